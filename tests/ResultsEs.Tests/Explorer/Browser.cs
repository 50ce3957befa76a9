using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Alba;

namespace ResultsEs.Tests.Explorer;

/// <summary>A browser as far as a service sees it: it keeps cookies, says where a request comes from, and follows no redirect by itself.</summary>
internal sealed class Browser(IAlbaHost host, string address = "http://localhost") : IDisposable
{
    private readonly HttpClient _http = new(host.Server.CreateHandler()) { BaseAddress = new Uri(address) };

    /// <summary>The cookies, by name.</summary>
    public Dictionary<string, string> Cookies { get; private init; } = new(StringComparer.Ordinal);

    /// <summary>The <c>Set-Cookie</c> of the last answer that had one.</summary>
    public string Set { get; private set; } = "";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>The same browser in front of another node.</summary>
    public Browser At(IAlbaHost other) => new(other, address) { Cookies = Cookies };

    public void Dispose() => _http.Dispose();

    public Task<HttpResponseMessage> GetAsync(string path, string? site = "same-origin") => SendAsync(new HttpRequestMessage(HttpMethod.Get, path), site);

    public async Task<HttpStatusCode> StatusAsync(string path, string? site = "same-origin")
    {
        using var answer = await GetAsync(path, site);
        return answer.StatusCode;
    }

    public async Task<JsonObject> JsonAsync(string path)
    {
        using var answer = await GetAsync(path);
        return (await answer.EnsureSuccessStatusCode().Content.ReadFromJsonAsync<JsonObject>(Cancelled))!;
    }

    /// <summary>Sends a body as the explorer's scripts do.</summary>
    public Task<HttpResponseMessage> PostAsync(string path, object? body = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = body is null ? null : JsonContent.Create(body) };
        request.Headers.Add("X-Explorer", "1");
        return SendAsync(request, "same-origin");
    }

    public Task<HttpResponseMessage> SignInAsync(string client, string secret) =>
        PostAsync("/explorer/sign-in", new { clientId = client, clientSecret = secret });

    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, string? site)
    {
        if (site is not null)
            request.Headers.Add("Sec-Fetch-Site", site);
        if (Cookies.Count > 0)
            request.Headers.Add("Cookie", string.Join("; ", Cookies.Select(cookie => $"{cookie.Key}={cookie.Value}")));
        var answer = await _http.SendAsync(request, Cancelled);
        foreach (var set in answer.Headers.TryGetValues("Set-Cookie", out var all) ? all : [])
        {
            var (name, value) = (set[..set.IndexOf('=', StringComparison.Ordinal)], set[(set.IndexOf('=', StringComparison.Ordinal) + 1)..].Split(';')[0]);
            if (value.Length == 0)
                Cookies.Remove(name);
            else
                (Cookies[name], Set) = (value, set);
        }

        return answer;
    }
}
