using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using ResultsEs.Hosting;

namespace ResultsEs.Tests;

/// <summary>What a node tells operators on its management port.</summary>
internal static class Operators
{
    /// <summary>A value of <c>Management:Url</c>: a free port.</summary>
    public const string AnyPort = "http://127.0.0.1:0";

    private static readonly HttpClient Http = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>Where a host in this process tells it.</summary>
    public static Uri Of(IServiceProvider services) => services.GetRequiredService<Management>().Address!;

    public static async Task<(HttpStatusCode Status, JsonNode Health)> ReadyAsync(Uri management)
    {
        using var answer = await GetAsync(management, "health/ready");
        return (answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync(Cancelled))!);
    }

    public static Task<string> MetricsAsync(Uri management) => Http.GetStringAsync(new Uri(management, "metrics"), Cancelled);

    public static Task<HttpResponseMessage> GetAsync(Uri management, string path) => Http.GetAsync(new Uri(management, path), Cancelled);
}
