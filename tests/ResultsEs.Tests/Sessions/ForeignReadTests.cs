using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.EventStore;
using ResultsEs.Sessions;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.EventStore;

namespace ResultsEs.Tests.Sessions;

/// <summary>A read of a session of another workspace is a read of one that is not there, in what it costs too.</summary>
public sealed partial class ForeignReadTests(OwnHost own) : IClassFixture<OwnHost>
{
    private const int Long = 400;

    private static readonly Guid Clip = Guid.Parse("5a000000-0000-4000-8000-000000000006");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("mt_version = mt_version - 1, lag = 1", false)]
    [InlineData("lag = null", false)]
    [InlineData("mt_version = mt_version - 1, lag = 1", true)]
    [InlineData("mt_version = mt_version - 1", true)]
    [InlineData("mt_version = 1", true)]
    [InlineData("data = jsonb_set(data, '{body,giant}', to_jsonb(repeat('x', 30000000)))", true)]
    public async Task Whatever_its_document_lacks_nothing_is_read_or_written_for_who_may_not_see_it(string behind, bool otherVersionsMayWrite)
    {
        var session = await LongAsync();
        await ExecuteAsync($"update {SessionResultTable.Name} set {behind} where id = '{session.Id}'");
        var before = await AskAsync($"select xmin::text || ' ' || mt_version from {SessionResultTable.Name} where id = '{session.Id}'");
        using var stranger = await AppFixture.ClientAsync(own.Host, TestClients.OtherWorkspace);
        var versions = own.Host.Services.GetRequiredService<OtherVersions>();

        foreach (var path in new[] { "/api/v2/sessionResults/{0}", "/api/v3/sessionResults/{0}", "/api/v3/sessionResults/{0}?version=1", "/api/v3/sessionResults/{0}?version=1000000", "/api/v3/sessionResults/{0}?asOf=2026-03-01T10:15:00Z", "/api/v3/sessionResults/{0}/events", $"/api/v3/sessionResults/{{0}}/tasks/{Clip}/interactions", "/api/v2/sessionResults/{0}/transcript", "/api/v2/sessionResults/{0}/clips", $"/api/v2/sessionResults/{{0}}/clips/{Clip}", "/api/v2/sessionResults/{0}/videoDownloadUrl" })
        {
            var (absent, foreign) = ("", "");
            do
            {
                versions.Note(Stopwatch.GetTimestamp(), otherVersionsMayWrite);
                (absent, foreign) = (await StatementsAsync(stranger, path, Guid.NewGuid()), await StatementsAsync(stranger, path, session.Id));
            }
            // The service's own look came between the two reads.
            while (versions.MayWrite != otherVersionsMayWrite);

            Assert.Equal(absent, foreign);
        }

        // What a node of another version left, the service takes up by itself.
        if (behind.Contains("lag", StringComparison.Ordinal))
            Assert.Equal(before, await AskAsync($"select xmin::text || ' ' || mt_version from {SessionResultTable.Name} where id = '{session.Id}'"));
    }

    [Fact]
    public async Task Of_a_stale_document_the_events_that_it_holds_are_not_read()
    {
        var session = await LongAsync();
        await ExecuteAsync($"update {SessionResultTable.Name} set mt_version = mt_version - 3 where id = '{session.Id}'");
        // Which index costs least can be told once the sizes are known, and only of tables that are not read whole for as little.
        await ExecuteAsync($"analyze {StreamLog.Events}, {StreamLog.Table}, {SessionResultTable.Name}");
        await using var connection = await own.Host.Services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync(Cancelled);
        await using var transaction = await connection.BeginTransactionAsync(Cancelled);
        await using (var noScan = new NpgsqlCommand("set local enable_seqscan = off", connection))
            await noScan.ExecuteNonQueryAsync(Cancelled);
        await using var command = new NpgsqlCommand(
            $"explain (analyze, buffers, costs off, timing off) {GetSessionResultV3.Query.Sql(comparesStreams: true)}", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = TestClients.AccountOne.ToString() });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = [TestClients.WorkspaceB] });
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = session.Id });
        var plan = new List<string>();
        await using (var reader = await command.ExecuteReaderAsync(Cancelled))
        {
            while (await reader.ReadAsync(Cancelled))
                plan.Add(reader.GetString(0));
        }

        var text = string.Join('\n', plan);
        var rows = plan.SkipWhile(line => !line.Contains("mt_events", StringComparison.Ordinal)).First();
        Assert.True(rows.Contains("rows=0", StringComparison.Ordinal), text);
        // No more than the three that it lacks.
        Assert.All(
            RowsRemoved().Matches(text), match => Assert.InRange(int.Parse(match.Groups["count"].Value, CultureInfo.InvariantCulture), 0, 3));
    }

    [GeneratedRegex(@"Rows Removed by [ \w]+: (?<count>\d+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex RowsRemoved();

    private async Task<SessionBuilder> LongAsync()
    {
        var session = TestData.Session().WithVideo().WithClip(Clip).Transcribed();
        for (var i = 0; i < Long; i++)
            session.WithAnswer(Answers.Nps(i % 11));
        await own.Http.RecordAsync(session);
        return session;
    }

    /// <summary>The statements that a request makes in this host's database; it is answered 404.</summary>
    private static async Task<string> StatementsAsync(HttpClient http, string path, Guid session)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path.Replace("{0}", session.ToString(), StringComparison.Ordinal), UriKind.Relative));
        var (answer, statements) = await SentStatements.OfAsync(http, request);
        using (answer)
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        return statements;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = own.Host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(sql);
        await command.ExecuteNonQueryAsync(Cancelled);
    }

    private async Task<string> AskAsync(string sql)
    {
        await using var command = own.Host.Services.GetRequiredService<NpgsqlDataSource>().CreateCommand(sql);
        return (string)(await command.ExecuteScalarAsync(Cancelled))!;
    }
}
