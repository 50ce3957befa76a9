using System.Text.Json.Nodes;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;
using ResultsEs.Tests.Media;

namespace ResultsEs.Tests.Explorer;

/// <summary>
/// The explorer in a real browser, once for all pages: <c>tests/tools/explorer.mjs</c> says how a page adds its steps. With
/// <c>RESULTS_PICTURES</c> set to a folder it also makes the pictures of the documentation.
/// </summary>
public sealed class ExplorerBrowserTests(AppFixture app) : IDisposable
{
    private const string Client = "researcher";
    private const string Account = "0d3a0000-0000-4000-8000-000000000001";
    private const string Workspace = "0d3a0000-0000-4000-8000-0000000000a1";

    private readonly TempFolder _data = new();
    private readonly TempFolder _objects = new();

    public void Dispose()
    {
        _data.Dispose();
        _objects.Dispose();
    }

    [Fact]
    public async Task A_person_signs_in_reads_every_page_and_signs_out_and_nothing_leaves_the_service()
    {
        await NodeTools.NeedAsync();
        var (process, said) = await NodeTools.StartAsync("s3.mjs", _objects.Path, "results", "S3RVER", "0");
        using var store = process;
        var (issuing, issuer) = await NodeTools.StartAsync("oidc.mjs");
        using var provider = issuing;
        try
        {
            var people = issuer.Split(' ')[^1];
            var address = new Uri($"http://127.0.0.1:{said.Split(' ')[^1]}/");
            var secret = SecretHash.Generate();
            var database = await TestDatabase.CreateAsync();
            using var service = ServiceProcess.Start(ServiceProcess.ToEnvironment(
            [
                new("ASPNETCORE_ENVIRONMENT", "Production"),
                new(AppFixture.ConnectionString, database),
                new("RESULTS_DATA", _data.Path),
                new("Clients:0:Id", Client),
                new("Clients:0:SecretHash", SecretHash.Of(secret)),
                new("Clients:0:Account", Account),
                new("Clients:0:Workspaces:0", Workspace),
                .. Scopes.All.Index().Select(scope => new KeyValuePair<string, string?>($"Clients:0:Scopes:{scope.Index}", scope.Item)),
                new("Issuers:0:Authority", people),
                new("Issuers:0:Audience", "results-api"),
                new("Issuers:0:Accounts:0", Account),
                new("Issuers:0:AccountClaim", "account"),
                new("Issuers:0:Explorer:ClientId", "explorer"),
                new("Issuers:0:Explorer:ClientSecret", "secret"),
                new("Issuers:0:Explorer:Resource", "https://results-api/"),
                new("Issuers:0:Explorer:Name", "the provider"),
                // Steps look again and again.
                new("RateLimiting:ReadsPerMinute", "100000"),
                .. ObjectStoreFixture.Settings(address),
            ]));
            await service.UntilSaysAsync("Application started");
            service.Ignore();
            await EveryRouteTests.Stored.CopyDeadLetterAsync(app.Host, Guid.Parse(Account), database);
            await using (var stored = NpgsqlDataSource.Create(database))
            await using (var setAside = stored.CreateCommand($"""
                insert into results.set_aside (worker, tenant_id, id, reason) select w.worker, '{Account}', gen_random_uuid(), 'JsonException: no number'
                from unnest(array['search', 'of-another-version']) w(worker)
                """))
                await setAside.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);

            var pictures = Environment.GetEnvironmentVariable("RESULTS_PICTURES");
            var run = await NodeTools.RunAsync(
                "node", ["explorer.mjs", service.Address.GetLeftPart(UriPartial.Authority), address.GetLeftPart(UriPartial.Authority), .. pictures is { Length: > 0 } folder ? [folder] : Array.Empty<string>()],
                environment: [("EXPLORER_CLIENT", Client), ("EXPLORER_SECRET", secret), ("EXPLORER_PROVIDER", people)]);

            Assert.True(run.ExitCode == 0, run.Output + run.Errors);
            var noted = JsonNode.Parse(run.Output);
            Assert.SkipWhen(noted is null, "Chromium is not on this machine; tests/run.sh installs it.");
            Assert.All(noted!.AsObject(), one => Assert.True(one.Value!.AsArray().Count == 0, noted.ToJsonString()));
        }
        finally
        {
            store.Kill();
            provider.Kill();
        }
    }

    [Fact]
    public async Task The_modules_are_as_their_types_say()
    {
        await NodeTools.NeedAsync();
        var checkedTypes = await NodeTools.RunAsync("node", ["node_modules/typescript/bin/tsc", "-p", "explorer.tsconfig.json"]);
        Assert.True(checkedTypes.ExitCode == 0, checkedTypes.Output + checkedTypes.Errors);
    }

    [Fact]
    public async Task Libraries_are_the_files_of_their_packages_and_their_licences_are_listed()
    {
        await NodeTools.NeedAsync();
        var site = Path.Combine(ServiceProcess.Repository, "src", "ResultsEs", "Explorer", "site");
        var files = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["htm.module.js"] = "htm/dist/htm.module.js",
            ["hooks.mjs"] = "preact/hooks/dist/hooks.mjs",
            ["preact.mjs"] = "preact/dist/preact.mjs",
            ["vega-interpreter.js"] = "vega-interpreter/build/vega-interpreter.js",
            ["vega-lite.min.js"] = "vega-lite/build/vega-lite.min.js",
            ["vega.min.js"] = "vega/build/vega.min.js",
            ["video-js.min.css"] = "video.js/dist/video-js.min.css",
            ["video.min.js"] = "video.js/dist/video.min.js",
        };
        var vendor = Path.Combine(site, "vendor");
        Assert.Equal(
            files.Keys.Append("LICENCES.md").Order(StringComparer.Ordinal),
            Directory.EnumerateFiles(vendor).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        var licences = await File.ReadAllTextAsync(Path.Combine(vendor, "LICENCES.md"), TestContext.Current.CancellationToken);
        foreach (var (file, source) in files)
        {
            var package = source[..source.IndexOf('/', StringComparison.Ordinal)];
            var folder = Path.Combine(NodeTools.Folder, "node_modules", package);
            var manifest = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "package.json"), TestContext.Current.CancellationToken))!;
            Assert.Equal(
                await File.ReadAllTextAsync(Path.Combine(NodeTools.Folder, "node_modules", source), TestContext.Current.CancellationToken),
                await File.ReadAllTextAsync(Path.Combine(vendor, file), TestContext.Current.CancellationToken));
            Assert.Contains($"| `{file}` | [{package}](https://www.npmjs.com/package/{package}) {manifest["version"]} | {manifest["license"]} |", licences, StringComparison.Ordinal);
            var words = (await File.ReadAllTextAsync(Path.Combine(folder, "LICENSE"), TestContext.Current.CancellationToken)).Split('\n').Select(line => line.TrimEnd());
            Assert.Contains(string.Join('\n', words).Trim(), licences, StringComparison.Ordinal);
        }
    }

    /// <summary>As of the code; what is of packages is as it is.</summary>
    [Fact]
    public void Lines_of_its_modules_end_before_140_characters() => Assert.Empty(
        Directory.EnumerateFiles(Path.Combine(ServiceProcess.Repository, "src", "ResultsEs", "Explorer", "site"), "*", SearchOption.AllDirectories)
            .Where(file => !file.Contains("vendor", StringComparison.Ordinal) && (Path.GetExtension(file) is ".js" or ".css"))
            .SelectMany(file => File.ReadLines(file).Index().Where(line => line.Item.Length >= 140).Select(line => $"{Path.GetFileName(file)}:{line.Index + 1}")));
}
