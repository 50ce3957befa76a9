using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using ResultsEs.Access;

namespace ResultsEs.Tests.Access;

/// <summary>Hashes of secrets, and what is remembered of them.</summary>
public sealed class SecretChecksTests
{
    private static readonly string Chosen = SecretHash.Of("chosen by a person");

    private readonly FakeTimeProvider _clock = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public void A_chosen_secret_has_a_slow_hash_that_is_never_the_same_twice()
    {
        Assert.NotEqual(Chosen, SecretHash.Of("chosen by a person"), StringComparer.Ordinal);
        Assert.Equal((true, false, true, false), (SecretHash.Verify(Chosen, "chosen by a person"), SecretHash.Verify(Chosen, "another"), SecretHash.IsHash(Chosen), SecretHash.IsQuick(Chosen)));
    }

    [Fact]
    public void A_generated_secret_has_256_random_bits_and_a_quick_hash()
    {
        var (one, two) = (SecretHash.Generate(), SecretHash.Generate());

        Assert.NotEqual(one, two, StringComparer.Ordinal);
        Assert.Matches("^res_[A-Za-z0-9_-]{43}$", one);
        var hash = SecretHash.Of(one);
        Assert.Equal((true, true), (SecretHash.IsHash(hash), SecretHash.IsQuick(hash)));
        Assert.Equal((true, false, false), (SecretHash.Verify(hash, one), SecretHash.Verify(hash, two), SecretHash.Verify(hash, hash)));
    }

    /// <summary>A secret that can be guessed must not have the hash by which guesses are quick.</summary>
    [Fact]
    public void A_quick_hash_of_a_chosen_secret_is_good_for_nothing() =>
        Assert.False(SecretHash.Verify("sha256:" + System.Buffers.Text.Base64Url.EncodeToString(SHA256.HashData(Encoding.UTF8.GetBytes("chosen"))), "chosen"));

    [Theory]
    [InlineData("")]
    [InlineData("secret")]
    [InlineData("sha256:")]
    [InlineData("sha256:AAAA")]
    [InlineData("sha256:AQAAAAIAAYagAAAAEMELR921A+CoQ+M91X1AEJ0vsU+gczsZSC0Tyr4DbmcW")]
    [InlineData("res_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void What_is_no_hash_is_none(string text) => Assert.False(SecretHash.IsHash(text));

    [Fact]
    public async Task Once_the_right_secret_is_known_a_thousand_wrong_ones_cost_no_hash()
    {
        var checks = new SecretChecks(_clock);
        Assert.Equal(SecretVerdict.Right, await CheckAsync(checks, "chosen by a person"));

        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        for (var i = 0; i < 1_000; i++)
            Assert.Equal(SecretVerdict.Wrong, await CheckAsync(checks, $"guess {i}"));
        Assert.Equal(SecretVerdict.Right, await CheckAsync(checks, "chosen by a person"));

        // By hashing it would be a minute.
        Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(5));
    }

    [Fact]
    public async Task The_same_wrong_secret_is_hashed_once_and_does_not_keep_the_right_one_away()
    {
        var checks = new SecretChecks(_clock);
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        for (var i = 0; i < 1_000; i++)
            Assert.Equal(SecretVerdict.Wrong, await CheckAsync(checks, "wrong"));
        Assert.True(System.Diagnostics.Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(5));

        Assert.Equal(SecretVerdict.Right, await CheckAsync(checks, "chosen by a person"));
    }

    [Fact]
    public async Task What_is_remembered_ends_with_its_time_and_with_its_hash()
    {
        var checks = new SecretChecks(_clock);
        await CheckAsync(checks, "chosen by a person");
        _clock.Advance(SecretChecks.RememberedFor);
        Assert.Equal((SecretVerdict.Wrong, SecretVerdict.Right), (await CheckAsync(checks, "another"), await CheckAsync(checks, "chosen by a person")));

        checks.Keep(new ClientSet([]));
        Assert.Equal((SecretVerdict.Wrong, SecretVerdict.Right), (await CheckAsync(checks, "another"), await CheckAsync(checks, "chosen by a person")));
    }

    [Fact]
    public async Task Of_a_thousand_that_wait_for_one_client_the_oldest_is_sent_away_and_the_right_one_that_comes_last_is_next()
    {
        var checks = new SecretChecks(_clock);
        var guesses = Enumerable.Range(0, HashQueue.MaxWaiting + 10).Select(i => CheckAsync(checks, $"guess {i}", isSuspect: true).AsTask()).ToList();

        Assert.Equal(SecretVerdict.Right, await CheckAsync(checks, "chosen by a person", isSuspect: true));

        // All others are known to be wrong then.
        var verdicts = await Task.WhenAll(guesses);
        Assert.InRange(verdicts.Count(verdict => verdict is SecretVerdict.Busy), 1, 10);
        Assert.DoesNotContain(SecretVerdict.Right, verdicts);
    }

    [Fact]
    public async Task Who_comes_from_where_few_failed_goes_first_and_who_gives_up_leaves_the_queue()
    {
        var queue = new HashQueue();
        Assert.True(await queue.EnterAsync(isSuspect: true, Cancel));
        using var gone = new CancellationTokenSource();
        Task<bool>[] waiting =
        [
            queue.EnterAsync(isSuspect: false, Cancel), queue.EnterAsync(isSuspect: false, gone.Token),
            queue.EnterAsync(isSuspect: true, Cancel), queue.EnterAsync(isSuspect: true, Cancel),
        ];
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting[1]);

        foreach (var next in new[] { 0, 3, 2 })
        {
            queue.Leave();
            Assert.True(await waiting[next]);
        }

        queue.Leave();
        Assert.True(await queue.EnterAsync(isSuspect: true, Cancel));
    }

    [Fact]
    public async Task Of_two_secrets_both_are_right_until_the_old_one_ends()
    {
        var checks = new SecretChecks(_clock);
        var (old, present) = (SecretHash.Generate(), SecretHash.Generate());
        var client = new Client(
            "one", TestClients.AccountOne, [TestClients.WorkspaceA], [Scopes.StudiesRead],
            [new ClientSecret(SecretHash.Of(present)), new ClientSecret(SecretHash.Of(old), _clock.GetUtcNow().AddHours(1))], null, null);
        _clock.Advance(TimeSpan.FromMinutes(59));
        Assert.Equal((SecretVerdict.Right, SecretVerdict.Right), (await CheckAsync(old), await CheckAsync(present)));

        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((SecretVerdict.Wrong, SecretVerdict.Right), (await CheckAsync(old), await CheckAsync(present)));

        ValueTask<SecretVerdict> CheckAsync(string secret) => checks.CheckAsync(client, secret, isSuspect: false, Cancel);
    }

    [Fact]
    public async Task Guesses_at_one_client_leave_another_its_turn()
    {
        var checks = new SecretChecks(_clock);
        var guesses = Enumerable.Range(0, 100).Select(i => CheckAsync(checks, $"guess {i}").AsTask()).ToList();
        Assert.Equal(SecretVerdict.Right, await CheckAsync(checks, "chosen by a person", isSuspect: true, client: "another"));

        Assert.Contains(guesses, guess => !guess.IsCompleted);
        await CheckAsync(checks, "chosen by a person");
        await Task.WhenAll(guesses);
    }

    private static ValueTask<SecretVerdict> CheckAsync(SecretChecks checks, string secret, bool isSuspect = false, string client = "one") =>
        checks.CheckAsync(new Client(client, TestClients.AccountOne, [TestClients.WorkspaceA], [Scopes.StudiesRead], [new ClientSecret(Chosen)], null, null), secret, isSuspect, Cancel);
}
