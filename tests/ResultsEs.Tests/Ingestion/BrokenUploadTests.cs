using System.Net;
using System.Net.Sockets;
using System.Text;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Ingestion;

/// <summary>Clients that break off an upload, or send one that is no HTTP, are no news.</summary>
public sealed class BrokenUploadTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_upload_that_breaks_off_is_not_logged()
    {
        using var data = new TempFolder();
        using var service = ServiceProcess.Start(
        [
            ("ASPNETCORE_ENVIRONMENT", "Staging"), ("RESULTS_DATA", data.Path), ("ConnectionStrings__results", await TestDatabase.CreateAsync()),
            .. ServiceProcess.ToEnvironment(TestClients.Settings()),
        ]);
        await service.UntilSaysAsync("Application started");
        using var http = new HttpClient { BaseAddress = service.Address };
        var token = await Tokens.AskAsync(http, TestClients.Reader);
        foreach (var type in new[] { "application/json", "application/cloudevents-batch+json", "application/x-ndjson" })
        {
            foreach (var rest in new[] { "Content-Length: 5000\r\n\r\n[{", "Transfer-Encoding: chunked\r\n\r\n5\r\nabc", "Transfer-Encoding: chunked\r\n\r\nzz\r\n" })
            {
                foreach (var isReset in new[] { false, true })
                    await BreakOffAsync(http, $"POST /api/v2/sessionEvents HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\nContent-Type: {type}\r\n{rest}", isReset);
            }
        }

        using var health = await http.GetAsync(new Uri("/health/live", UriKind.Relative), Cancelled);
        var said = await service.StopAsync();

        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
        Assert.DoesNotContain(said, line => line.StartsWith("warn:", StringComparison.Ordinal) || line.StartsWith("fail:", StringComparison.Ordinal));
    }

    private static async Task BreakOffAsync(HttpClient http, string request, bool isReset)
    {
        using (var client = new TcpClient())
        {
            await client.ConnectAsync(IPAddress.Loopback, http.BaseAddress!.Port, Cancelled);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), Cancelled);
            // The service reads it before the connection ends: it answers a request that came behind it.
            (await http.GetAsync(new Uri("/health/live", UriKind.Relative), Cancelled)).Dispose();
            if (isReset)
                client.LingerState = new LingerOption(enable: true, seconds: 0);
            else
                client.Client.Shutdown(SocketShutdown.Send);
        }

        (await http.GetAsync(new Uri("/health/live", UriKind.Relative), Cancelled)).Dispose();
    }
}
