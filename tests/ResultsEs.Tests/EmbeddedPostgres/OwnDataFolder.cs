using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using ResultsEs.EmbeddedPostgres;

namespace ResultsEs.Tests.EmbeddedPostgres;

/// <summary>A data folder that no other test uses, removed at the end together with what still runs on it.</summary>
public abstract class OwnDataFolder : IAsyncLifetime
{
    private protected string Home { get; } = ThrowAway.NewHome();

    private protected string Folder => Path.GetDirectoryName(Home)!;

    private protected string Data => Path.Combine(Home, "data");

    private protected static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private protected Task<RunningDatabase> OpenAsync() => Database.OpenAsync(
        new ConfigurationBuilder().AddInMemoryCollection([new(DataFolder.Variable, Folder)]).Build(), NullLogger.Instance, Cancelled);

    private protected bool IsRunning => Postmaster.Look(Data) == Postmaster.State.Running;

    private protected static async Task<T> AskAsync<T>(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false");
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(Cancelled))!;
    }

    private protected static Task<string> RecordAsync(string connectionString, string fact) => AskAsync<string>(
        connectionString, $"create table if not exists fact (name text); insert into fact values ('{fact}') returning name");

    private protected static Task<string> FactsAsync(string connectionString) =>
        AskAsync<string>(connectionString, "select string_agg(name, ' ' order by name) from fact");

    private protected static async Task<T> UntilAnswersAsync<T>(Func<Task<T>> ask)
    {
        T answer = default!;
        await Wait.UntilAsync(async () =>
        {
            try
            {
                answer = await ask();
                return true;
            }
            catch (Exception e) when (e is NpgsqlException or IOException)
            {
                return false;
            }
        });
        return answer;
    }

    public virtual ValueTask InitializeAsync()
    {
        Assert.SkipWhen(PostgresBinaries.Find() is null, "These tests run the PostgreSQL of this machine, and there is none.");
        return ValueTask.CompletedTask;
    }

    public virtual ValueTask DisposeAsync()
    {
        ThrowAway.Remove(Home);
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }
}

/// <summary>An <see cref="OwnDataFolder"/> with a cluster in it: a copy, because making one takes a second.</summary>
public abstract class ReadyMadeCluster : OwnDataFolder
{
    private static readonly Lazy<Task<string>> Original = new(MakeAsync);

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();

        // cp keeps the owner, which is another account when root runs the tests. Elsewhere the test makes its own cluster.
        if (OperatingSystem.IsWindows())
            return;
        Directory.CreateDirectory(Home);
        var copy = await Command.RunAsync("cp", ["-a", await Original.Value, Data], "/", account: null, Cancelled);
        Assert.Equal(0, copy.ExitCode);
    }

    private static async Task<string> MakeAsync()
    {
        var home = ThrowAway.NewHome();
        await using var cluster = await PostgresCluster.StartAsync(
            new ClusterOptions(home, PostgresBinaries.Find()!), NullLogger.Instance, CancellationToken.None);
        TestDatabase.EndOfRun.Finally(() =>
        {
            ThrowAway.Remove(home);
            return ValueTask.CompletedTask;
        });
        return Path.Combine(home, "data");
    }
}
