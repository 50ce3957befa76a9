using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Alba;

namespace ResultsEs.Tests.OpenApi;

/// <summary>
/// Holds every answer that a test gets against the committed description of the API: its status, its content type, and each member of
/// its body. Where there is no Node.js it lets them pass.
/// </summary>
internal sealed partial class DescribedAnswers(HttpMessageHandler inner) : DelegatingHandler(inner)
{
    private const string Events = "/api/v2/sessionEvents";

    private static readonly SemaphoreSlim One = new(1, 1);
    private static readonly ConcurrentDictionary<(string Method, string Path, int Status, string? ContentType, string Digest), byte> Right = new();
    private static Process? _checker;
    private static int _checked;

    /// <summary>How many answers of this run were held against the description.</summary>
    public static int Checked => _checked;

    /// <summary>The committed description.</summary>
    public static string File { get; } = Path.Combine(ReadmeTests.Root, "docs", "openapi.json");

    /// <summary>A client of a host whose answers are checked.</summary>
    public static HttpClient Of(IAlbaHost host) => new(new DescribedAnswers(host.Server.CreateHandler())) { BaseAddress = host.Server.BaseAddress };

    /// <summary>What is wrong with an answer; null when nothing is, or when it is of a path that is not described.</summary>
    public static async Task<string?> ProblemAsync(string method, string path, int status, string? contentType, string body)
    {
        if (!await NodeTools.AreThereAsync())
            return null;

        // The very same answer again, of the same path but for its ids, is as right as it was.
        // Those who read or write without pause get many.
        var digest = Convert.ToHexString(SHA256.HashData(MemoryMarshal.AsBytes(body.AsSpan())));
        var same = (method, Ids().Replace(path, "id"), status, contentType, digest);
        if (Right.ContainsKey(same))
        {
            Interlocked.Increment(ref _checked);
            return null;
        }

        await One.WaitAsync(CancellationToken.None);
        try
        {
            if (_checker is null)
            {
                _checker = Process.Start(new ProcessStartInfo("node", ["check.mjs", File])
                {
                    WorkingDirectory = NodeTools.Folder,
                    RedirectStandardInput = true,
                    RedirectStandardOutput = true,
                    UseShellExecute = false,
                })!;
                Assert.Equal("ready", await _checker.StandardOutput.ReadLineAsync(CancellationToken.None));
            }

            var answer = new JsonObject { ["method"] = method, ["path"] = path, ["status"] = status, ["contentType"] = contentType, ["body"] = body };
            await _checker.StandardInput.WriteLineAsync(answer.ToJsonString());
            await _checker.StandardInput.FlushAsync(CancellationToken.None);
            var problem = await _checker.StandardOutput.ReadLineAsync(CancellationToken.None)
                ?? throw new InvalidOperationException("tests/tools/check.mjs ended");
            Interlocked.Increment(ref _checked);
            var wrong = JsonSerializer.Deserialize<string?>(problem);
            if (wrong is null)
                Right[same] = 0;
            return wrong;
        }
        finally
        {
            One.Release();
        }
    }

    [GeneratedRegex("[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", RegexOptions.NonBacktracking)]
    private static partial Regex Ids();

    /// <inheritdoc/>
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var answer = await base.SendAsync(request, cancellationToken);
        // A stream has no end, so nobody waits for one.
        if (request.Method == HttpMethod.Head || answer.Content.Headers.ContentType?.MediaType == "text/event-stream")
            return answer;

        await answer.Content.LoadIntoBufferAsync(cancellationToken);
        // Lines are described as an operation of their own, and taken beside other bodies too.
        var path = request.RequestUri!.AbsolutePath;
        if (path == Events && request.Content?.Headers.ContentType?.MediaType is ("application/x-ndjson" or "application/ndjson"))
            path += "/lines";
        var problem = await ProblemAsync(
            request.Method.Method, path, (int)answer.StatusCode, answer.Content.Headers.ContentType?.ToString(),
            await answer.Content.ReadAsStringAsync(cancellationToken));
        Assert.True(problem is null, $"not as docs/openapi.json says: {problem}");
        return answer;
    }
}
