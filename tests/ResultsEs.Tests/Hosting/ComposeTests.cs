using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Npgsql;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EmbeddedPostgres;

namespace ResultsEs.Tests.Hosting;

/// <summary><c>docker-compose.yml</c>, as it is written: this machine's alone, with passwords of one's own and no right that is not needed.</summary>
public sealed partial class ComposeTests
{
    private static readonly string[] Loopback = ["127.0.0.1", "[::1]"];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Containers_have_the_rights_and_the_room_that_they_need()
    {
        var services = await ServicesAsync();
        Assert.InRange(services.Count, 10, 20);
        foreach (var (name, service) in services)
        {
            Assert.True((bool?)service!["read_only"], name);
            Assert.Equal((name, """["ALL"]"""), (name, service["cap_drop"]?.ToJsonString()));
            Assert.Equal((name, name == "proxy" ? """["NET_BIND_SERVICE"]""" : null), (name, service["cap_add"]?.ToJsonString()));
            Assert.Equal((name, """["no-new-privileges:true"]"""), (name, service["security_opt"]?.ToJsonString()));
            Assert.All(["mem_limit", "cpus", "pids_limit"], limit => Assert.True(service[limit] is not null, $"{name}: {limit}"));
            Assert.Null(service["privileged"]);
            // Built here, or a version: no name that means another image tomorrow.
            Assert.Matches(Pinned(), (string?)service["image"]);
            Assert.All(service["ports"]?.AsArray() ?? [], port => Assert.Contains(Loopback, address => ((string?)port)!.StartsWith(address + ":", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task Passwords_have_no_default_and_the_public_ones_are_of_development()
    {
        var text = await File.ReadAllTextAsync(Path.Combine(ReadmeTests.Root, "docker-compose.yml"), Cancelled);
        var development = (await File.ReadAllLinesAsync(Path.Combine(ReadmeTests.Root, "docs/operations/development.env"), Cancelled))
            .Where(line => !line.StartsWith('#')).Select(line => line.Split('=', 2)).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
        var variables = Variable().Matches(text).Select(match => (Name: match.Groups["name"].Value, Default: match.Groups["default"].Value)).ToList();
        var secrets = variables.Where(variable => variable.Name.Contains("PASSWORD", StringComparison.Ordinal) || variable.Name == "MINIO_USER").ToList();

        Assert.Equal(["MINIO_PASSWORD", "MINIO_USER", "OWNER_PASSWORD", "POSTGRES_PASSWORD", "RABBITMQ_PASSWORD", "REDIS_PASSWORD", "SERVICE_PASSWORD"], secrets.Select(secret => secret.Name).Distinct().Order());
        Assert.DoesNotContain(secrets, secret => secret.Default.StartsWith('-'));
        Assert.All(secrets.GroupBy(secret => secret.Name), uses => Assert.StartsWith("?", uses.First().Default, StringComparison.Ordinal));
        Assert.Equal("Development", development["ASPNETCORE_ENVIRONMENT"]);
        Assert.Equal(secrets.Select(secret => secret.Name).Append("ASPNETCORE_ENVIRONMENT").Distinct().Order(), development.Keys.Order());
        Assert.Contains(variables, variable => variable is ("ASPNETCORE_ENVIRONMENT", "-Production"));

        // Nothing that is a password stands in the file itself.
        foreach (var (name, service) in await ServicesAsync())
        {
            foreach (var (key, value) in service!["environment"]?.AsObject() ?? [])
            {
                if (Secret().IsMatch(key))
                    Assert.True(((string?)value)!.Contains("${", StringComparison.Ordinal) && !((string?)value)!.Contains("guest", StringComparison.Ordinal), $"{name}: {key}");
            }
        }
    }

    [Fact]
    public async Task The_service_is_no_superuser_and_serves_on_tables_that_another_role_made()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "The roles are made by a shell.");
        var services = await ServicesAsync();
        Assert.Contains("Username=results_owner;", (string?)services["migrate"]!["environment"]!["ConnectionStrings__results"], StringComparison.Ordinal);
        foreach (var node in new[] { "service-1", "service-2" })
            Assert.Contains("Username=results_service;", (string?)services[node]!["environment"]!["ConnectionStrings__results"], StringComparison.Ordinal);

        var super = await TestDatabase.CreateEmptyAsync();
        var (owner, service) = await MakeRolesAsync(super);
        try
        {
            await ServiceProcess.ApplyAsync(("ConnectionStrings__results", As(super, owner)));
            using var data = new TempFolder();
            await using (var host = await AppFixture.StartAsync(
                "Development", data, [.. TestClients.Settings(firstIndex: 1), new(AppFixture.ConnectionString, As(super, service))]))
            {
                using var http = await AppFixture.ClientAsync(host);
                var session = TestData.SessionWithEverything();
                await http.RecordAsync(session);
                await http.ResultAsync(session.Id);
            }

            await using var connection = new NpgsqlConnection(As(super, service) + ";Pooling=false");
            await connection.OpenAsync(Cancelled);
            foreach (var forbidden in new[] { "create table results.more (x int)", "create table public.more (x int)", "drop table results.mt_events", "create role more", "create schema more" })
            {
                await using var command = new NpgsqlCommand(forbidden, connection);
                var refused = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync(Cancelled));
                Assert.Equal((forbidden, PostgresErrorCodes.InsufficientPrivilege), (forbidden, refused.SqlState));
            }
        }
        finally
        {
            await ForgetRolesAsync(super, owner, service);
        }
    }

    private static async Task<JsonObject> ServicesAsync()
    {
        await NodeTools.NeedAsync();
        var parsed = await NodeTools.RunAsync("node", ["compose.mjs", Path.Combine(ReadmeTests.Root, "docker-compose.yml")]);
        Assert.True(parsed.ExitCode == 0, parsed.Errors);
        return JsonNode.Parse(parsed.Output)!["services"]!.AsObject();
    }

    /// <summary>Runs <c>docs/operations/roles.sh</c>, under names that no other run has.</summary>
    private static async Task<(string Owner, string Service)> MakeRolesAsync(string super)
    {
        var database = new NpgsqlConnectionStringBuilder(super);
        var (owner, service) = ($"owner_{Guid.NewGuid():n}", $"service_{Guid.NewGuid():n}");
        var script = (await File.ReadAllTextAsync(Path.Combine(ReadmeTests.Root, "docs/operations/roles.sh"), Cancelled))
            .Replace("results_owner", owner, StringComparison.Ordinal).Replace("results_service", service, StringComparison.Ordinal);
        var start = new ProcessStartInfo("sh", ["-c", script])
        {
            RedirectStandardError = true,
            UseShellExecute = false,
            Environment =
            {
                ["PGHOST"] = database.Host, ["PGPORT"] = $"{database.Port}", ["PGPASSWORD"] = database.Password,
                ["POSTGRES_USER"] = database.Username, ["POSTGRES_DB"] = database.Database, ["OWNER_PASSWORD"] = "it's owner's", ["SERVICE_PASSWORD"] = "it's service's",
            },
        };
        using var made = Process.Start(start)!;
        var errors = await made.StandardError.ReadToEndAsync(Cancelled);
        await made.WaitForExitAsync(Cancelled);
        Assert.SkipWhen(made.ExitCode == 127, "psql is not on this machine.");
        Assert.True(made.ExitCode == 0, errors);
        return (owner, service);
    }

    private static string As(string super, string role) => new NpgsqlConnectionStringBuilder(super)
    {
        Username = role,
        Password = role.StartsWith("owner", StringComparison.Ordinal) ? "it's owner's" : "it's service's",
    }.ConnectionString;

    private static async Task ForgetRolesAsync(string super, params string[] roles)
    {
        await using var connection = new NpgsqlConnection(super + ";Pooling=false");
        await connection.OpenAsync(Cancelled);
        foreach (var role in roles)
        {
            await using var command = new NpgsqlCommand($"reassign owned by {role} to current_user; drop owned by {role}; drop role {role}", connection);
            await command.ExecuteNonQueryAsync(Cancelled);
        }
    }

    [GeneratedRegex(@"\$\{(?<name>[A-Z_]+):?(?<default>[^}]*)\}", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Variable();

    [GeneratedRegex(@"^results-es$|^[^:]+:(v?\d+\.\d+(\.\d+)?(-[a-z]+)?|RELEASE\.[\dTZ-]+)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Pinned();

    [GeneratedRegex("PASS|SECRET|ACCESSKEY|CONNECTIONSTRINGS|REDISCLI_AUTH", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Secret();
}
