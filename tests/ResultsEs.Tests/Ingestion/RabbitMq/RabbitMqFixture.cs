using System.Globalization;
using System.Text;
using Alba;
using Microsoft.Extensions.DependencyInjection;
using ResultsEs.EmbeddedPostgres;
using ResultsEs.Ingestion.RabbitMq;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Brokers;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.OpenApi;
using Wolverine.Persistence.Durability;

namespace ResultsEs.Tests.Ingestion.RabbitMq;

/// <summary>A service that listens to the virtual hosts of two accounts, for the tests of one class.</summary>
public sealed class RabbitMqFixture : IAsyncLifetime
{
    private readonly TempFolder _data = new();
    private readonly string _one = NewName();
    private readonly string _two = NewName();
    private TestBroker _broker = null!;

    public IAlbaHost Host { get; private set; } = null!;

    /// <summary>A producer of account one, which may write workspace A.</summary>
    internal Producer One { get; private set; } = null!;

    /// <summary>A producer of account two, which may write its own workspace and one that has the id of account one's A.</summary>
    internal Producer Two { get; private set; } = null!;

    /// <summary>Where only the users of account two may publish.</summary>
    internal Uri HostOfTwoAsUserOfOne => _broker.Address(_two, _one);

    /// <summary>The queue of account one, as dead letters name it.</summary>
    internal Uri QueueOfOne => RabbitMqOptions.AddressOf(_one);

    /// <summary>The service's settings.</summary>
    internal Dictionary<string, string?> Settings { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _broker = await TestBroker.GetAsync();
        var service = NewName();
        await _broker.AddVirtualHostsAsync([_one, _two, service], (service, _one), (service, _two));

        Settings = new(StringComparer.Ordinal)
        {
            [AppFixture.ConnectionString] = await TestDatabase.CreateAsync(),
            ["ConnectionStrings:rabbitmq"] = _broker.Address(_one, service).ToString(),
            ["RabbitMq:Prefetch"] = "20",
            ["Streams:MaxTasks"] = "300",
            ["RabbitMq:PrefetchMebibytes"] = "8",
            ["RabbitMq:Accounts:0:Account"] = TestClients.AccountOne.ToString(),
            ["RabbitMq:Accounts:0:Workspaces:0"] = TestClients.WorkspaceA.ToString(),
            ["RabbitMq:Accounts:1:VirtualHost"] = _two,
            ["RabbitMq:Accounts:1:Account"] = TestClients.AccountTwo.ToString(),
            ["RabbitMq:Accounts:1:Workspaces:0"] = TestClients.WorkspaceOfTwo.ToString(),
            ["RabbitMq:Accounts:1:Workspaces:1"] = TestClients.WorkspaceA.ToString(),
        };
        foreach (var (key, value) in TestClients.Settings(firstIndex: 1))
            Settings[key] = value;
        await StartAsync();
        One = await Producer.ConnectAsync(_broker.Address(_one, _one));
        Two = await Producer.ConnectAsync(_broker.Address(_two, _two));
    }

    public async ValueTask DisposeAsync()
    {
        await One.DisposeAsync();
        await Two.DisposeAsync();
        await Host.DisposeAsync();
        _data.Dispose();
    }

    internal async Task StartAsync() => Host = await AppFixture.StartAsync("Development", _data, Settings);

    internal async Task<HttpClient> ClientAsync(string client = TestClients.Reader)
    {
        var http = DescribedAnswers.Of(Host);
        http.DefaultRequestHeaders.Authorization = new("Bearer", await Tokens.AskAsync(DescribedAnswers.Of(Host), client));
        return http;
    }

    /// <summary>Waits until so many events of a session are stored.</summary>
    internal Task StoredAsync(Guid session, int count) => Wait.UntilAsync(async () => (await Host.StoredAsync(session)).Count >= count);

    /// <summary>Waits until twice as many messages as may be in hand at a time, published after all others of account one, are stored.</summary>
    internal async Task PassedAsync()
    {
        var markers = Enumerable.Range(0, 40).Select(_ => TestData.Session()).ToList();
        foreach (var marker in markers)
            await One.PublishAsync(marker);
        foreach (var marker in markers)
            await StoredAsync(marker.Id, 1);
    }

    /// <summary>Waits for the dead letter whose body contains a text.</summary>
    internal Task<DeadLetterEnvelope> DeadLetterAsync(string text) => DeadLetterAsync(letter => BodyOf(letter).Contains(text, StringComparison.Ordinal));

    /// <summary>Waits for a dead letter.</summary>
    internal async Task<DeadLetterEnvelope> DeadLetterAsync(Func<DeadLetterEnvelope, bool> condition)
    {
        DeadLetterEnvelope? found = null;
        await Wait.UntilAsync(async () => (found = (await DeadLettersAsync()).FirstOrDefault(condition)) is not null);
        return found!;
    }

    internal static string BodyOf(DeadLetterEnvelope letter) => Encoding.UTF8.GetString(letter.Envelope.Data ?? []);

    internal async Task<IReadOnlyList<DeadLetterEnvelope>> DeadLettersAsync() =>
        (await Host.Services.GetRequiredService<IMessageStore>().DeadLetters.QueryAsync(new() { PageSize = 10_000 }, TestContext.Current.CancellationToken)).Envelopes;

    /// <summary>Runs the deadletters command in a process of its own with the service's settings, but for those given.</summary>
    internal Task<(int ExitCode, string Output, string Errors)> CommandAsync(string[] arguments, params IEnumerable<(string Name, string Value)> settings) =>
        ServiceProcess.RunAsync(
            ["deadletters", .. arguments],
            [
                .. ServiceProcess.ToEnvironment(Settings),
                ("ASPNETCORE_ENVIRONMENT", "Production"),
                (DataFolder.Variable, _data.Path),
                .. settings,
            ]);

    private static string NewName() => string.Create(CultureInfo.InvariantCulture, $"results-{Guid.NewGuid():n}");
}
