using ResultsEs.Tests.EmbeddedPostgres;
using Testcontainers.RabbitMq;

namespace ResultsEs.Tests.Brokers;

/// <summary>
/// A broker for tests: one a run, started by the first test that asks. A container when a Docker engine answers, otherwise a
/// <see cref="RabbitNode"/>.
/// </summary>
internal sealed class TestBroker
{
    private static readonly Lazy<Task<TestBroker>> Running = new(StartAsync);

    private readonly Uri _address;
    private readonly Func<string[], Task> _control;

    private TestBroker(Uri address, Func<string[], Task> control) => (_address, _control) = (address, control);

    /// <summary>The run's broker.</summary>
    public static Task<TestBroker> GetAsync() => Running.Value;

    /// <summary>Makes a virtual host with a user of the same name and password, who may do anything there and nothing elsewhere.</summary>
    public async Task<Uri> AddVirtualHostAsync(string name)
    {
        await AddVirtualHostsAsync([name]);
        return Address(name, name);
    }

    /// <summary>Makes several of them at once, because each call of rabbitmqctl starts an Erlang; some of the users may do anything in others' as well.</summary>
    public Task AddVirtualHostsAsync(string[] names, params (string User, string VirtualHost)[] besides) => _control(
    [
        "eval",
        string.Join(' ', (string[])
        [
            .. names.Select(name => $"rabbit_vhost:add(<<\"{name}\">>, <<\"tests\">>), rabbit_auth_backend_internal:add_user(<<\"{name}\">>, <<\"{name}\">>, <<\"tests\">>),"),
            .. names.Select(name => (User: name, VirtualHost: name)).Concat(besides).Select(right =>
                $"rabbit_auth_backend_internal:set_permissions(<<\"{right.User}\">>, <<\"{right.VirtualHost}\">>, <<\".*\">>, <<\".*\">>, <<\".*\">>, <<\"tests\">>),"),
            "ok.",
        ]),
    ]);

    /// <summary>The address of a virtual host for a user.</summary>
    public Uri Address(string virtualHost, string user) =>
        new UriBuilder(_address) { UserName = user, Password = user, Path = Uri.EscapeDataString(virtualHost) }.Uri;

    private static async Task<TestBroker> StartAsync()
    {
        if (await TestDatabase.DockerAnswersAsync())
        {
            try
            {
                var container = new RabbitMqBuilder("rabbitmq:4").Build();
                await container.StartAsync();
                TestDatabase.EndOfRun.Finally(container.DisposeAsync);
                return new TestBroker(new Uri(container.GetConnectionString()), async arguments =>
                {
                    var result = await container.ExecAsync(["rabbitmqctl", .. arguments]);
                    Assert.True(result.ExitCode == 0, result.Stderr);
                });
            }
            catch (Exception) when (RabbitNode.Programs is not null)
            {
                // The engine has no image and no way to one; the RabbitMQ of this machine does as well.
            }
        }

        var node = await RabbitNode.StartNewAsync();
        TestDatabase.EndOfRun.Finally(node.DisposeAsync);
        return new TestBroker(node.Address(), node.ControlAsync);
    }
}
