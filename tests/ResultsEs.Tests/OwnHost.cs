using Alba;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests;

/// <summary>The whole service in Development on a database of its own, once for a class of tests.</summary>
public sealed class OwnHost : IAsyncLifetime
{
    private readonly TempFolder _data = new();

    public IAlbaHost Host { get; private set; } = null!;

    /// <summary>A client with a token.</summary>
    public HttpClient Http { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Host = await AppFixture.StartAsync("Development", _data, TestClients.Settings(firstIndex: 1));
        Http = await AppFixture.ClientAsync(Host);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await Host.DisposeAsync();
        _data.Dispose();
    }
}
