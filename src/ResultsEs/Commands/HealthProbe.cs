using ResultsEs.EmbeddedPostgres;

namespace ResultsEs.Commands;

/// <summary><c>health [URL]</c>: asks a running node whether it is ready, for who can run a program and not make a request, such as a container's health check.</summary>
internal static class HealthProbe
{
    /// <summary>The command.</summary>
    public const string Command = "health";

    private const string Default = "http://localhost:5080";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Prints what the node answers.</summary>
    /// <returns>0 when it is ready, else 1.</returns>
    public static async Task<int> RunAsync(string? url)
    {
        if (!Uri.TryCreate(url ?? Default, UriKind.Absolute, out var node))
        {
            Console.Error.WriteLine($"{url} is no URL.");
            return 1;
        }

        using var http = new HttpClient { BaseAddress = node, Timeout = Patience };
        try
        {
            using var answer = await http.GetAsync(new Uri("/health/ready", UriKind.Relative));
            Console.Out.WriteLine(await answer.Content.ReadAsStringAsync());
            return answer.IsSuccessStatusCode ? 0 : 1;
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            Console.Error.WriteLine($"{node} does not answer: {e.Message}");
            return 1;
        }
    }
}
