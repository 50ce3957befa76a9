namespace ResultsEs.Exports;

/// <summary>The rows of a session in the other tables: pure functions from what is stored.</summary>
internal static class SessionRows
{
    /// <summary>Begins a row with the session's key.</summary>
    public static TableBatch Key(this TableBatch batch, in StoredSession session) =>
        batch.Uuid(session.SessionId).Uuid(session.WorkspaceId).Uuid(session.TestId);

    public static void AddSession(TableBatch batch, in StoredSession session)
    {
        var body = session.Body;
        var (answered, skipped) = (0, 0);
        foreach (var task in body.GetProperty("tasks").EnumerateArray())
        {
            if (task.Find("response").Find("skipped") is { ValueKind: JsonValueKind.True })
                skipped++;
            else
                answered++;
        }

        batch.Key(session)
            .Json(body.Find("productType"), ColumnKind.Text)
            .Json(body.Find("status"), ColumnKind.Text)
            .Json(body.Find("startTime"), ColumnKind.Time)
            .Json(body.Find("finishTime"), ColumnKind.Time)
            .Json(body.Find("abandonCause"), ColumnKind.Text)
            .Json(body.Find("audienceId"), ColumnKind.Uuid)
            .Json(body.Find("testPlanId"), ColumnKind.Uuid)
            .Json(body.Find("sessionParticipant").Find("participantId"), ColumnKind.Uuid)
            .Whole(answered)
            .Whole(skipped)
            .Json(body.Find("taskGroups"), ColumnKind.Text)
            .Time(session.Updated)
            .Whole(session.Version)
            .EndRow();
    }

    /// <summary>Adds the row of a session whose result cannot be given, with the reason.</summary>
    public static void AddProblem(TableBatch batch, UnreadSession session)
    {
        batch.Uuid(session.SessionId).Uuid(session.WorkspaceId).Uuid(session.TestId);
        for (var column = 3; column < batch.Columns.Count - 3; column++)
            batch.Null(batch.Columns[column].Kind);
        batch.Time(session.Updated).Whole(session.Version).Text(session.Problem).EndRow();
    }

    public static void AddDemographics(TableBatch batch, in StoredSession session)
    {
        var participant = session.Body.Find("sessionParticipant");
        if (participant.Find("demographicsInfo") is not { ValueKind: JsonValueKind.Array } all)
            return;

        foreach (var (position, one) in all.EnumerateArray().Index())
        {
            batch.Key(session)
                .Json(participant.Find("participantId"), ColumnKind.Uuid)
                .Whole(position)
                .Json(one.Find("id"), ColumnKind.Text)
                .Json(one.Find("code"), ColumnKind.Text)
                .Json(one.Find("label"), ColumnKind.Text)
                .Json(one.Find("value"), ColumnKind.Text)
                .Json(one.Find("type"), ColumnKind.Text)
                .EndRow();
        }
    }

    /// <summary>Adds the cues of spoken answers.</summary>
    public static void AddCues(TableBatch batch, in StoredSession session)
    {
        foreach (var task in session.Tasks)
        {
            if (task.Member("cues") is { ValueKind: JsonValueKind.Array } cues)
                AddCues(batch, session.SessionId, session.WorkspaceId, session.TestId, task.Id, cues, task.Member("language"));
        }
    }

    /// <summary>Adds the cues of a list; of the session's own transcript when <paramref name="task"/> is null.</summary>
    public static void AddCues(
        TableBatch batch, Guid session, Guid workspace, Guid test, Guid? task, JsonElement cues, JsonElement language)
    {
        foreach (var (position, cue) in cues.EnumerateArray().Index())
        {
            batch.Uuid(session).Uuid(workspace).Uuid(test).Uuid(task)
                .Whole(position)
                .Json(cue.Find("startMs"), ColumnKind.Whole)
                .Json(cue.Find("endMs"), ColumnKind.Whole)
                .Json(cue.Find("speaker"), ColumnKind.Text)
                .Json(cue.Find("text"), ColumnKind.Text)
                .Json(language, ColumnKind.Text)
                .EndRow();
        }
    }

    /// <summary>Adds an interaction of a session, of its event.</summary>
    public static void AddInteraction(TableBatch batch, Guid session, Guid workspace, Guid test, Guid by, JsonElement interaction)
    {
        var place = interaction.Find("targetNodeMousePosition") is { ValueKind: JsonValueKind.Object } target
            ? target
            : interaction.Find("nearestScrollingFrameMousePosition");
        batch.Uuid(session).Uuid(workspace).Uuid(test)
            .Json(interaction.Find("taskId"), ColumnKind.Uuid)
            .Uuid(by)
            .Json(interaction.Find("atMs"), ColumnKind.Whole)
            .Json(interaction.Find("kind"), ColumnKind.Text)
            .Json(interaction.Find("presentedNodeId"), ColumnKind.Text)
            .Json(interaction.Find("handled"), ColumnKind.Flag)
            .Json(interaction.Find("phase"), ColumnKind.Text)
            .Json(interaction.Find("targetNodeId"), ColumnKind.Text)
            .Json(place.Find("x"), ColumnKind.Number)
            .Json(place.Find("y"), ColumnKind.Number)
            .Json(interaction, ColumnKind.Text)
            .EndRow();
    }
}
