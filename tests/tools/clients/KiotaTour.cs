using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Text.Json;
using System.Threading.Tasks;
using Microsoft.Kiota.Abstractions.Authentication;
using Microsoft.Kiota.Abstractions.Serialization;
using Microsoft.Kiota.Http.HttpClientLibrary;
using Results.Kiota;
using Results.Kiota.Models;

/// <summary>The client of Kiota goes the way of tour.ts.</summary>
public static class KiotaTour
{
    public static async Task<string> GoAsync(string url, Guid test, Guid session, Guid workspace)
    {
        using var http = new HttpClient();
        using var adapter = new HttpClientRequestAdapter(new AnonymousAuthenticationProvider(), httpClient: http) { BaseUrl = url };
        var api = new ResultsClient(adapter);
        var token = (await api.Oauth2.Token.PostAsync(new() { GrantType = "client_credentials", ClientId = "demo", ClientSecret = "demo-secret" }))!;
        http.DefaultRequestHeaders.Authorization = new("Bearer", token.AccessTokenProp);

        var sessions = new Dictionary<string, object>();
        string? cursor = null;
        do
        {
            var page = (await api.Api.V2.SessionResults.GetAsync(request =>
            {
                request.QueryParameters.TestId = test;
                request.QueryParameters.Limit = 1;
                request.QueryParameters.Cursor = cursor;
                request.QueryParameters.Status = [SessionStatus.IN_PROGRESS, SessionStatus.COMPLETE];
            }))!;
            foreach (var id in page.Sessions!.Select(summary => summary.SessionId!.Value))
                sessions[id.ToString()] = Seen((await api.Api.V3.SessionResults[id].GetAsync())!, (await api.Api.V2.SessionResults[id].GetAsync())!);
            cursor = page.Meta!.Pagination!.NextCursor;
        }
        while (cursor is not null);

        var ids = (Guid.NewGuid(), Guid.NewGuid());
        var sent = new List<string>();
        for (var i = 0; i < 2; i++)
        {
            var recorded = (await api.Api.V2.SessionEvents.PostAsync(Events(session, workspace, ids, 9)))!;
            sent.Add($"{recorded.Accepted} {recorded.Duplicates} {recorded.Events![0].Outcome.ToString()!.ToLowerInvariant()}");
        }

        var refused = await Tour.RefusedAsync<Problem>(() => api.Api.V2.SessionEvents.PostAsync(Events(session, workspace, ids, 11)));
        var lines = (await api.Api.V2.SessionEvents.Lines.PostAsync(Tour.Lines(session)))!;
        var beyond = await Tour.RefusedAsync<Problem>(() => api.Api.V2.SessionResults.GetAsync(request => (request.QueryParameters.TestId, request.QueryParameters.Limit) = (test, 501)));
        using var transcript = new StreamReader((await api.Api.V2.SessionResults[Guid.Parse(sessions.Keys.First())].Transcript.GetAsync())!);
        var messages = ((UntypedArray)beyond.Errors!.AdditionalData["limit"]).GetValue().Select(message => ((UntypedString)message).GetValue());
        return JsonSerializer.Serialize(new
        {
            tokenType = token.TokenType,
            sessions,
            transcript = await transcript.ReadLineAsync(),
            sent,
            lines = $"{lines.Accepted} {lines.Refused} {lines.Refusals![0].Line}",
            after = $"{(await api.Api.V3.SessionResults[session].GetAsync())!.Status}",
            refused = refused.Events![0].Fields,
            beyond = $"{beyond.Status} {string.Join(',', messages)}",
        });
    }

    private static List<CloudEvent> Events(Guid session, Guid workspace, (Guid One, Guid Two) ids, int score) =>
    [
        new TaskAnsweredEvent
        {
            Specversion = "1.0", Type = "results.TaskAnswered.v1", Id = ids.Two, Source = "/recorder", Subject = session, Time = Tour.Start.AddSeconds(20),
            Data = new()
            {
                TaskId = ids.Two, Position = 0, Text = "How likely are you to recommend us?", StartTimeMs = 15000, EndTimeMs = 20000,
                Answer = new NpsAnswer { Type = "NPS", Score = score },
            },
        },
        new SessionStartedEvent
        {
            Specversion = "1.0", Type = "results.SessionStarted.v1", Id = ids.One, Source = "/recorder", Subject = session, Time = Tour.Start,
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
        demographics = v3.SessionParticipant?.DemographicsInfo!.Select(item => $"{item.Code ?? "-"} {Tour.Or(item.Type)}"),
        groups = v3.TaskGroups!.Select(group => $"{group.Type} {Tour.Or(group.Response?.Score ?? (object?)group.Response?.Sequence)}"),
        v3 = v3.Tasks!.Select(task => $"{task.Type} {(task.Response?.Skipped == true ? "skipped" : task.Response?.Answer is { } answer ? Shown(answer) : "-")}"),
        v2 = v2.SessionTaskResults!.Select(task => $"{task.TaskType} {Tour.Or(task.TaskResponse?.Score ?? task.TaskResponse?.Outcome ?? (object?)task.TaskResponse?.Reason ?? task.TaskResponse?.Text)}"),
    };

    private static string Shown(TaskAnswerV3 answer) => answer switch
    {
        { Written: { } it } => it.Text ?? "-",
        { Nps: { } it } => $"{it.Score} {it.Category}",
        { RatingScale: { } it } => $"{Tour.Or(it.Value)} {it.MinLabel ?? "-"}",
        { MultipleChoice: { } it } => $"{string.Join(',', it.Options!.Where(option => option.Selected == true).Select(option => option.Id))} {Tour.Or(it.MaxLimit)}",
        { RankOrder: { } it } => string.Join(',', it.Ranking!.Select(option => option.Rank)),
        { Matrix: { } it } => $"{it.Rows!.Count} {Tour.Or(it.Rows[0].Selections!.FirstOrDefault()?.Value)}",
        { Url: { } it } => $"{it.Outcome} {it.FinalUrl ?? "-"}",
        { Image: { } it } => $"{it.Annotations!.Count} {Tour.Or(it.Annotations.FirstOrDefault()?.Width)}",
        { Figma: { } it } => $"{it.MisclickCount} {Tour.Or(it.Outcome)}",
        { Blank: not null } => "blank",
        _ => "none",
    };
}
