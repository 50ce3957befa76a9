using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;

namespace ResultsEs.Benchmarks;

/// <summary>A server that is measured: a process of its own, driven over loopback.</summary>
internal sealed class Server : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;

    private Server(Process process, Uri address, TimeSpan start) => (_process, Address, Start) = (process, address, start);

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>From the start of its process to its first answer.</summary>
    public TimeSpan Start { get; }

    /// <summary>The most memory it has had resident; 0 where the system does not tell.</summary>
    public long PeakBytes => Service.PeakOf(_process.Id);

    /// <summary>Starts a process, and returns when it answers <paramref name="path"/> with 200.</summary>
    public static async Task<Server> StartAsync(ProcessStartInfo start, string path, CancellationToken cancellation)
    {
        var address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort()}"));
        start.Environment["ASPNETCORE_URLS"] = address.ToString();
        start.RedirectStandardOutput = true;
        using var http = new HttpClient { BaseAddress = address };
        var watch = Stopwatch.StartNew();
        var process = Process.Start(start)!;
        // What it says must not fill the pipe.
        var said = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        while (true)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), cancellation);
                if (answer.StatusCode == HttpStatusCode.OK)
                    return new Server(process, address, watch.Elapsed);
            }
            catch (HttpRequestException)
            {
                // It does not listen yet.
            }

            if (process.HasExited || watch.Elapsed > Patience)
            {
                process.Kill();
                throw new InvalidOperationException($"{string.Join(' ', start.ArgumentList)} does not answer:\n{await said}");
            }

            await Task.Delay(1, cancellation);
        }
    }

    /// <summary>A client with so many connections, all of which are open when this returns.</summary>
    /// <param name="connections">How many.</param>
    /// <param name="token">What it shows for authorization.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<HttpClient> ConnectAsync(int connections, string? token, CancellationToken cancellation)
    {
        var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = connections, PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan, UseCookies = false, UseProxy = false, ActivityHeadersPropagator = null })
        {
            BaseAddress = Address,
        };
        if (token is not null)
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        await Task.WhenAll(Enumerable.Range(0, connections).Select(async _ => (await http.GetAsync(new Uri("/health/live", UriKind.Relative), cancellation)).Dispose()));
        return http;
    }

    /// <summary>A token of the service's, for <see cref="Service.Client"/> or another that has its secret.</summary>
    public async Task<string> TokenAsync(CancellationToken cancellation, string client = Service.Client)
    {
        using var http = new HttpClient { BaseAddress = Address };
        using var form = new FormUrlEncodedContent([new("grant_type", "client_credentials"), new("client_id", client), new("client_secret", Service.Secret)]);
        using var answer = await http.PostAsync(new Uri("/oauth2/token", UriKind.Relative), form, cancellation);
        return (string)JsonNode.Parse(await answer.EnsureSuccessStatusCode().Content.ReadAsStringAsync(cancellation))!["access_token"]!;
    }

    /// <summary>Ends it as an operator does.</summary>
    public async ValueTask DisposeAsync()
    {
        using (var stop = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]))
            await stop.WaitForExitAsync();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    /// <summary>A port that nobody listens on.</summary>
    public static int FreePort()
    {
        using var listener = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
