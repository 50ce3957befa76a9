using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Text.Json;
using System.Threading.Tasks;
using Results.NSwag;

/// <summary>The client of NSwag goes the way of tour.ts.</summary>
public static class NSwagTour
{
    public static async Task<string> GoAsync(string url, Guid test, Guid session, Guid workspace)
    {
        using var http = new HttpClient();
        var api = new ResultsClient(http) { BaseUrl = url };
        var token = await api.GetTokenAsync(new TokenRequest { Grant_type = "client_credentials", Client_id = "demo", Client_secret = "demo-secret" });
        http.DefaultRequestHeaders.Authorization = new("Bearer", token.Access_token);

        var sessions = new Dictionary<string, object>();
        string? cursor = null;
        do
        {
            var page = await api.ListSessionResultsAsync(test, limit: 1, cursor: cursor, status: [SessionStatus.IN_PROGRESS, SessionStatus.COMPLETE]);
            foreach (var summary in page.Sessions)
                sessions[summary.SessionId.ToString()] = Seen(await api.GetSessionResultV3Async(summary.SessionId), await api.GetSessionResultV2Async(summary.SessionId));
            cursor = page.Meta.Pagination.NextCursor;
        }
        while (cursor is not null);

        var ids = (Guid.NewGuid(), Guid.NewGuid());
        var sent = new List<string>();
        for (var i = 0; i < 2; i++)
        {
            var recorded = await api.RecordEventsAsync(Events(session, workspace, ids, 9));
            sent.Add($"{recorded.Accepted} {recorded.Duplicates} {recorded.Events.First().Outcome.ToString().ToLowerInvariant()}");
        }

        var refused = (await Tour.RefusedAsync<ApiException<Problem>>(() => api.RecordEventsAsync(Events(session, workspace, ids, 11)))).Result;
        var lines = await api.RecordEventLinesAsync(Tour.Lines(session));
        var beyond = (await Tour.RefusedAsync<ApiException<Problem>>(() => api.ListSessionResultsAsync(test, limit: 501))).Result;
        using var transcript = new StreamReader((await api.GetTranscriptAsync(Guid.Parse(sessions.Keys.First()))).Stream);
        return JsonSerializer.Serialize(new
        {
            tokenType = token.Token_type,
            sessions,
            transcript = await transcript.ReadLineAsync(),
            sent,
            lines = $"{lines.Accepted} {lines.Refused} {lines.Refusals.First().Line}",
            after = $"{(await api.GetSessionResultV3Async(session)).Status}",
            refused = refused.Events!.First().Fields,
            beyond = $"{beyond.Status} {string.Join(',', beyond.Errors!["limit"])}",
        });
    }

    private static CloudEvent[] Events(Guid session, Guid workspace, (Guid One, Guid Two) ids, int score) =>
    [
        new TaskAnsweredEvent
        {
            Specversion = "1.0", Id = ids.Two, Source = "/recorder", Subject = session, Time = Tour.Start.AddSeconds(20),
            Data = new()
            {
                TaskId = ids.Two, Position = 0, Text = "How likely are you to recommend us?", StartTimeMs = 15000, EndTimeMs = 20000,
                Answer = new NpsAnswer { Score = score },
            },
        },
        new SessionStartedEvent
        {
            Specversion = "1.0", Id = ids.One, Source = "/recorder", Subject = session, Time = Tour.Start,
            Data = new() { WorkspaceId = workspace, TestId = ids.One, ProductType = ProductType.SURVEY, StartedAt = Tour.Start },
        },
    ];

    private static object Seen(SessionResultV3 v3, SessionResultV2 v2) => new
    {
        test = v3.TestId,
        product = $"{v3.ProductType}",
        status = $"{v3.Status}",
        runs = v3.FinishTime is null,
        audience = v3.AudienceId,
        plan = v2.TestPlanId,
        participant = v3.SessionParticipant?.ParticipantId,
        demographics = v3.SessionParticipant?.DemographicsInfo.Select(item => $"{item.Code ?? "-"} {Tour.Or(item.Type)}"),
        groups = v3.TaskGroups.Select(group => $"{group.Type} {Tour.Or(group.Response?.Score ?? (object?)group.Response?.Sequence)}"),
        v3 = v3.Tasks.Select(task => $"{task.Type} {(task.Response?.Skipped == true ? "skipped" : task.Response?.Answer is { } answer ? Shown(answer) : "-")}"),
        v2 = v2.SessionTaskResults.Select(task => $"{task.TaskType} {Tour.Or(task.TaskResponse?.Score ?? task.TaskResponse?.Outcome ?? (object?)task.TaskResponse?.Reason ?? task.TaskResponse?.Text)}"),
    };

    private static string Shown(TaskAnswerV3 answer) => answer switch
    {
        { Written: { } it } => it.Text ?? "-",
        { Nps: { } it } => $"{it.Score} {it.Category}",
        { RatingScale: { } it } => $"{Tour.Or(it.Value)} {it.MinLabel ?? "-"}",
        { MultipleChoice: { } it } => $"{string.Join(',', it.Options.Where(option => option.Selected).Select(option => option.Id))} {Tour.Or(it.MaxLimit)}",
        { RankOrder: { } it } => string.Join(',', it.Ranking.Select(option => option.Rank)),
        { Matrix: { } it } => $"{it.Rows.Count} {Tour.Or(it.Rows.First().Selections.FirstOrDefault()?.Value)}",
        { Url: { } it } => $"{it.Outcome} {it.FinalUrl ?? "-"}",
        { Image: { } it } => $"{it.Annotations.Count} {Tour.Or(it.Annotations.FirstOrDefault()?.Width)}",
        { Figma: { } it } => $"{it.MisclickCount} {Tour.Or(it.Outcome)}",
        { Blank: not null } => "blank",
        _ => "none",
    };
}
