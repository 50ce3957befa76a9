using System.Security.Cryptography;
using System.Text;
using ResultsEs.Access;
using ResultsEs.Webhooks;

namespace ResultsEs.Tests.Webhooks;

/// <summary>Secrets as the database holds them, and signatures as the specification has them.</summary>
public sealed class SecretSealTests : IDisposable
{
    private readonly TempFolder _data = new();

    public void Dispose() => _data.Dispose();

    [Fact]
    public void A_sealed_secret_is_opened_by_its_key_for_its_webhook_and_not_otherwise()
    {
        var (first, second) = (SigningKey.Load(Path.Combine(_data.Path, "a.pem")), SigningKey.Load(Path.Combine(_data.Path, "b.pem")));
        var (webhook, secret) = (Guid.NewGuid(), WebhookSecret.Make());
        var made = new SecretSeal(SecretSeal.Webhooks, first).Seal(webhook, secret);

        Assert.Equal(secret, new SecretSeal(SecretSeal.Webhooks, first).Open(webhook, made));
        Assert.Equal(secret, new SecretSeal(SecretSeal.Webhooks, second, former: first).Open(webhook, made));
        Assert.Null(new SecretSeal(SecretSeal.Webhooks, second).Open(webhook, made));
        Assert.Null(new SecretSeal(SecretSeal.Webhooks, first).Open(Guid.NewGuid(), made));
        Assert.Null(new SecretSeal(SecretSeal.Webhooks, first).Open(webhook, []));
        for (var i = 0; i < made.Length; i++)
        {
            var other = (byte[])made.Clone();
            other[i] ^= 1;
            Assert.Null(new SecretSeal(SecretSeal.Webhooks, first).Open(webhook, other));
        }

        Assert.NotEqual(made, new SecretSeal(SecretSeal.Webhooks, first).Seal(webhook, secret));
        Assert.False(made.AsSpan().IndexOf(secret) >= 0);
    }

    /// <summary>The specification's own example.</summary>
    [Fact]
    public void A_signature_is_that_of_the_specification()
    {
        var secret = Convert.FromBase64String("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        Assert.Equal("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", WebhookSecret.Text(secret));
        Assert.Equal(
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
            WebhookSecret.Sign([secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, Encoding.UTF8.GetBytes("""{"test": 2432232314}""")));
        Assert.Equal(2, WebhookSecret.Sign([secret, RandomNumberGenerator.GetBytes(32)], "a", 1, []).Split(' ').Length);
    }
}
