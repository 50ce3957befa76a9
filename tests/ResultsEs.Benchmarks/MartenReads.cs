using System.Text.Json;
using Marten;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ResultsEs.Sessions;
using Weasel.Core;

namespace ResultsEs.Benchmarks;

/// <summary>
/// Marten as it comes, behind ASP.NET Core as it comes: the same results as documents of one account, sent as they are stored. That they belong to the caller's workspaces is not even looked at.
/// </summary>
internal static class MartenReads
{
    /// <summary>What this program is told to run it.</summary>
    public const string Argument = "marten";

    public static async Task RunAsync(string database, CancellationToken cancellation)
    {
        var builder = PeerAccess.CreateBuilder();
        builder.Services.AddMarten(options =>
        {
            options.Connection(database);
            options.UseSystemTextJsonForSerialization(casing: Casing.CamelCase);
            options.Schema.For<PeerSession>().Identity(session => session.SessionId);
        });
        await using var app = builder.Build();
        await StoreAsync(app.Services.GetRequiredService<IDocumentStore>(), database, cancellation);
        await PeerAccess.ServeAsync(
            app,
            async (Guid id, HttpContext http, IQuerySession session) =>
            {
                using var json = new MemoryStream();
                if (!await session.Json.StreamById<PeerSession>(id, json, http.RequestAborted))
                {
                    http.Response.StatusCode = StatusCodes.Status404NotFound;
                    return;
                }

                http.Response.ContentType = "application/json";
                http.Response.ContentLength = json.Length;
                json.Position = 0;
                await json.CopyToAsync(http.Response.Body, http.RequestAborted);
            },
            cancellation);
    }

    private static async Task StoreAsync(IDocumentStore store, string database, CancellationToken cancellation)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand($"select data -> 'body' from {SessionResultTable.Name}");
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        var sessions = new List<PeerSession>();
        while (await reader.ReadAsync(cancellation))
            sessions.Add(JsonSerializer.Deserialize<PeerSession>(reader.GetFieldValue<byte[]>(0), JsonSerializerOptions.Web)!);
        await store.BulkInsertAsync(sessions, cancellation: cancellation);
    }
}

/// <summary>A result as a document: the body of v3.</summary>
public sealed record PeerSession(
    Guid SessionId, Guid TestId, Guid WorkspaceId, string ProductType, string Status, string StartTime, string FinishTime, Guid AudienceId, Guid TestPlanId, PeerParticipant SessionParticipant,
    IReadOnlyList<PeerTaskGroup> TaskGroups, IReadOnlyList<PeerTask> Tasks);

/// <summary>Who took part.</summary>
public sealed record PeerParticipant(Guid ParticipantId, IReadOnlyList<PeerDemographic> DemographicsInfo);

/// <summary>What is known of who took part.</summary>
public sealed record PeerDemographic(Guid Id, string Code, string Label, string Value, string Type);

/// <summary>A score.</summary>
public sealed record PeerTaskGroup(Guid Uuid, string Type, PeerScore Response);

/// <summary>Its number.</summary>
public sealed record PeerScore(decimal Score);

/// <summary>A task.</summary>
public sealed record PeerTask(Guid Uuid, string Text, string Type, PeerResponse Response);

/// <summary>What became of it.</summary>
public sealed record PeerResponse(long StartTimeMs, long EndTimeMs, bool Skipped, JsonElement? Answer);
