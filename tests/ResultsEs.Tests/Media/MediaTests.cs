using System.Net;
using System.Text.Json.Nodes;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Media;

/// <summary>Recordings, clips and highlight reels, with the bytes in a real store.</summary>
public sealed class MediaTests(ObjectStoreFixture media) : IClassFixture<ObjectStoreFixture>
{
    private static readonly DateTimeOffset Begin = SessionBuilder.Begin;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_recording_downloads_through_its_URL_for_an_hour_and_no_longer()
    {
        using var http = await media.ClientAsync();
        var session = TestData.Session().WithVideo("videos/a-(1)!.mp4");
        await http.RecordAsync(session);
        await media.PutAsync(TestClients.AccountOne, TestClients.WorkspaceA, "videos/a-(1)!.mp4", "the recording");

        var before = DateTimeOffset.UtcNow;
        var answer = await http.JsonAsync($"/api/v2/sessionResults/{session.Id}/videoDownloadUrl");
        Assert.Equal(["videoUrl", "sessionId", "expiresAt"], answer.Select(member => member.Key));
        Assert.Equal(session.Id, (Guid)answer["sessionId"]!);
        Assert.InRange((DateTimeOffset)answer["expiresAt"]!, before.AddMinutes(60).AddMilliseconds(-1), DateTimeOffset.UtcNow.AddMinutes(60));

        var url = new Uri((string)answer["videoUrl"]!);
        Assert.Equal("the recording", await DownloadAsync(url));
        Assert.Equal("the recording", await DownloadAsync(await AtAsync(url, TimeSpan.FromMinutes(59))));
        Assert.Equal("403 Request has expired", await DownloadAsync(await AtAsync(url, TimeSpan.FromMinutes(61))));
    }

    [Fact]
    public async Task A_URL_is_good_for_its_own_object_alone()
    {
        using var http = await media.ClientAsync();
        var session = TestData.Session().WithVideo("videos/own.mp4");
        await http.RecordAsync(session);
        await media.PutAsync(TestClients.AccountOne, TestClients.WorkspaceA, "videos/own.mp4", "own");
        await media.PutAsync(TestClients.AccountOne, TestClients.WorkspaceA, "videos/other.mp4", "other");

        var url = (string)(await http.JsonAsync($"/api/v2/sessionResults/{session.Id}/videoDownloadUrl"))["videoUrl"]!;
        Assert.Equal("own", await DownloadAsync(new Uri(url)));
        foreach (var forged in new[] { url.Replace("own.mp4", "other.mp4", StringComparison.Ordinal), url.Replace("X-Amz-Expires=3", "X-Amz-Expires=7", StringComparison.Ordinal), url.Split('?')[0] })
            Assert.Equal("403 The request is not signed", await DownloadAsync(new Uri(forged)));
    }

    [Fact]
    public async Task A_key_means_an_object_of_the_sessions_own_account_and_workspace()
    {
        using var http = await media.ClientAsync();
        using var other = await media.ClientAsync(TestClients.OtherAccount);
        var theirs = TestData.SessionOnly().Started(TestClients.WorkspaceOfTwo).WithVideo("videos/shared-name.mp4");
        await other.RecordAsync(theirs);
        await media.PutAsync(TestClients.AccountTwo, TestClients.WorkspaceOfTwo, "videos/shared-name.mp4", "of account two");
        // Account one says that its recording is account two's object.
        var mine = TestData.Session().WithVideo("videos/shared-name.mp4");
        await http.RecordAsync(mine);

        Assert.Equal("of account two", await DownloadAsync(new Uri((string)(await other.JsonAsync($"/api/v2/sessionResults/{theirs.Id}/videoDownloadUrl"))["videoUrl"]!)));
        Assert.StartsWith("404 ", await DownloadAsync(new Uri((string)(await http.JsonAsync($"/api/v2/sessionResults/{mine.Id}/videoDownloadUrl"))["videoUrl"]!)), StringComparison.Ordinal);

        foreach (var key in new[] { "../x.mp4", "a/../../x.mp4", "/x.mp4", "a//x.mp4", "./x", "a/", "a%2F..%2Fx", "a\\x", "", "ä.mp4", "x y", "a?b" })
        {
            using var refused = await http.SendAsync(TestData.Session().WithVideo(key));
            Assert.Equal("[1].data.objectKey", (await refused.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.AsObject().Single().Key);
        }
    }

    /// <summary>Its recordings and clips, also those that newer ones replaced; not what others made of them.</summary>
    [Fact]
    public async Task The_files_of_an_erased_session_are_deleted_in_the_store()
    {
        using var http = await media.ClientAsync(TestClients.Privacy);
        var (clip, name) = (Guid.NewGuid(), Guid.NewGuid());
        string[] own = [$"videos/{name}-first.mp4", $"videos/{name}.mp4", $"clips/{name}.mp4"];
        string[] others = [$"reels/{name}.mp4", $"videos/{name}-of-another.mp4"];
        var session = TestData.Session().WithVideo(own[0]).WithVideo(own[1], time: Begin.AddHours(1)).WithClip(clip)
            .WithClipGenerated(clip).But("data.objectKey", $"\"{own[2]}\"");
        await http.RecordAsync(session);
        await http.RecordAsync(TestData.Reel(session.TestId, clip).Generated().But("data.objectKey", $"\"{others[0]}\""));
        foreach (var key in own.Concat(others))
            await media.PutAsync(TestClients.AccountOne, TestClients.WorkspaceA, key, "bytes");

        await EraseAsync(http, session.Id);

        foreach (var key in own.Concat(others))
            Assert.Equal((key, others.Contains(key)), (key, await media.HasAsync(TestClients.AccountOne, TestClients.WorkspaceA, key)));
    }

    /// <summary>In the folder of each workspace in which the session is, those that somebody named who may write there.</summary>
    [Fact]
    public async Task The_files_of_an_erased_session_of_two_workspaces_are_deleted_in_both_and_nobody_names_anothers()
    {
        using var http = await media.ClientAsync(TestClients.Privacy);
        using var stranger = await media.ClientAsync(TestClients.OtherWorkspace);
        var (name, clip) = (Guid.NewGuid(), Guid.NewGuid());
        var (early, shared, theirs, late) = ($"videos/{name}-early.mp4", $"videos/{name}.mp4", $"clips/{name}.mp4", $"videos/{name}-late.mp4");
        foreach (var key in new[] { early, shared, theirs, late })
        {
            await media.PutAsync(TestClients.AccountOne, TestClients.WorkspaceA, key, "bytes");
            await media.PutAsync(TestClients.AccountOne, TestClients.WorkspaceB, key, "bytes");
        }

        var before = TestData.SessionOnly().WithVideo(early);
        await http.RecordAsync(before);
        await http.RecordAsync(TestData.SessionOnly(before.Id).Started(TestClients.WorkspaceA).WithVideo(shared, time: Begin.AddHours(1)));
        await stranger.RecordAsync(TestData.SessionOnly(before.Id).Started(TestClients.WorkspaceB).WithVideo(shared).WithClip(clip).WithClipGenerated(clip, theirs));

        await EraseAsync(http, before.Id);
        Assert.Equal([(early, false, true), (shared, false, false), (theirs, true, false), (late, true, true)], await HaveAsync(early, shared, theirs, late));

        // What is named later is deleted later, and is its sender's, too.
        await stranger.RecordAsync(TestData.SessionOnly(before.Id).WithVideo(late).WithVideo(early));
        await Wait.UntilAsync(async () => !await media.HasAsync(TestClients.AccountOne, TestClients.WorkspaceB, late) && !await media.HasAsync(TestClients.AccountOne, TestClients.WorkspaceB, early));
        Assert.Equal([(early, false, false), (late, true, false)], await HaveAsync(early, late));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(-1)]
    public async Task The_files_of_an_erased_session_that_has_moved_are_deleted_where_it_was_too(int hours)
    {
        using var http = await media.ClientAsync(TestClients.PrivacyOfBoth);
        var (first, second) = ($"videos/{Guid.NewGuid()}.mp4", $"videos/{Guid.NewGuid()}.mp4");
        var session = TestData.Session().WithVideo(first);
        await http.RecordAsync(session);
        await http.RecordAsync(TestData.SessionOnly(session.Id).Started(TestClients.WorkspaceB).But("time", $"\"{Begin.AddHours(hours):O}\"").WithVideo(second));
        foreach (var key in new[] { first, second })
        {
            await media.PutAsync(TestClients.AccountOne, TestClients.WorkspaceA, key, "bytes");
            await media.PutAsync(TestClients.AccountOne, TestClients.WorkspaceB, key, "bytes");
        }

        await EraseAsync(http, session.Id);

        Assert.Equal([(first, false, false), (second, false, false)], await HaveAsync(first, second));
    }

    private static async Task EraseAsync(HttpClient http, Guid session)
    {
        using var erased = await http.DeleteAsync(new Uri($"/api/v2/sessions/{session}", UriKind.Relative), Cancelled);
        Assert.True(erased.IsSuccessStatusCode);
        var erasure = (Guid)(await erased.JsonAsync())["erasureId"]!;
        await Wait.UntilAsync(async () => (string?)(await http.JsonAsync($"/api/v2/erasures/{erasure}"))["state"] == "DONE");
    }

    /// <summary>Whether workspaces A and B have each object.</summary>
    private async Task<List<(string Key, bool OfA, bool OfB)>> HaveAsync(params string[] keys)
    {
        var have = new List<(string, bool, bool)>();
        foreach (var key in keys)
            have.Add((
                key,
                await media.HasAsync(TestClients.AccountOne, TestClients.WorkspaceA, key),
                await media.HasAsync(TestClients.AccountOne, TestClients.WorkspaceB, key)));
        return have;
    }

    [Fact]
    public async Task Of_several_recordings_the_latest_holds()
    {
        using var http = await media.ClientAsync();
        var session = TestData.Session().WithVideo("late.mp4", time: Begin.AddHours(2)).WithVideo("early.mp4", time: Begin.AddHours(1));
        await http.RecordAsync(session);

        Assert.Contains("/late.mp4?", (string)(await http.JsonAsync($"/api/v2/sessionResults/{session.Id}/videoDownloadUrl"))["videoUrl"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clips_are_listed_in_the_order_of_the_recording_in_the_references_shape()
    {
        using var http = await media.ClientAsync();
        var (first, second, deleted) = (Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid());
        var session = TestData.Session().WithVideo()
            .WithClip(second, 9_000, "Pays").But("data.description", null).But("data.layout", null).But("data.hasCamera", "false")
            .WithClip(first, 1_000)
            .WithClip(deleted).WithClipDeleted(deleted);
        await http.RecordAsync(session);

        Assert.Equal(
            JsonNode.Parse(
                $$"""
                { "studyUuid": "{{session.TestId}}",
                  "clips": [
                    { "uuid": "{{first}}", "name": "Finds the cart", "description": "after a while", "timeStartMs": 1000, "timeEndMs": 3000,
                      "videoUuid": "{{SessionBuilder.Video}}", "hasAudio": true, "hasCamera": true,
                      "layout": { "mainStream": "SCREEN", "pipPosition": "BOTTOM_RIGHT", "pipState": "OPENED" } },
                    { "uuid": "{{second}}", "name": "Pays", "timeStartMs": 9000, "timeEndMs": 11000,
                      "videoUuid": "{{SessionBuilder.Video}}", "hasAudio": true, "hasCamera": false } ],
                  "videoRegions": {
                    "screen": { "topLeftPoint": { "x": 0, "y": 0 }, "widthPx": 1600, "heightPx": 900 },
                    "camera": { "topLeftPoint": { "x": 1600, "y": 0 }, "widthPx": 320, "heightPx": 240 } } }
                """)!.ToJsonString(),
            (await http.JsonAsync($"/api/v2/sessionResults/{session.Id}/clips")).ToJsonString());
    }

    [Fact]
    public async Task A_recording_without_clips_has_an_empty_list()
    {
        using var http = await media.ClientAsync();
        var clip = Guid.NewGuid();
        var (bare, deleted) = (TestData.Session().WithVideo().But("data.regions", null), TestData.Session().WithClip(clip).WithClipDeleted(clip).WithVideo().But("data.regions", null));
        foreach (var session in new[] { bare, deleted })
        {
            await http.RecordAsync(session);

            Assert.Equal($$"""{"studyUuid":"{{session.TestId}}","clips":[]}""", (await http.JsonAsync($"/api/v2/sessionResults/{session.Id}/clips")).ToJsonString());
        }
    }

    /// <summary>In the reference clients tell a session without a recording by that.</summary>
    [Fact]
    public async Task A_session_without_a_recording_has_no_list_of_clips_as_one_that_is_not_there()
    {
        using var http = await media.ClientAsync();
        var clip = Guid.NewGuid();
        var (bare, cut, notStarted) = (TestData.Session().Completed(), TestData.Session().WithClip(clip).WithClipGenerated(clip), TestData.SessionOnly().WithVideo().WithClip(clip));
        var answers = new HashSet<string>(StringComparer.Ordinal);
        foreach (var session in new[] { bare, cut, notStarted, TestData.Session() })
        {
            if (session.Events.Count > 1)
                await http.RecordAsync(session);
            foreach (var method in new[] { HttpMethod.Get, HttpMethod.Head })
            {
                using var answer = await http.SendAsync(new HttpRequestMessage(method, $"/api/v2/sessionResults/{session.Id}/clips"), Cancelled);
                Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
                if (method == HttpMethod.Get)
                    answers.Add((await answer.ProblemAsync(HttpStatusCode.NotFound)).ToJsonString());
            }
        }

        Assert.Single(answers);
        // The file of a clip whose id is known is there, and once the recording is in, the list is.
        Assert.Equal("GENERATED", (await ClipAsync(http, cut.Id, clip)).Status);
        await http.RecordAsync(cut.WithVideo());
        Assert.Equal(clip, (Guid)(await http.JsonAsync($"/api/v2/sessionResults/{cut.Id}/clips"))["clips"]!.AsArray().Single()!["uuid"]!);
    }

    [Fact]
    public async Task A_clip_is_generating_until_its_file_is_there_and_again_when_it_is_cut_anew()
    {
        using var http = await media.ClientAsync();
        var clip = Guid.NewGuid();
        var session = TestData.Session().WithClip(clip, time: Begin);
        await http.RecordAsync(session);
        Assert.Equal(("GENERATING", null), await ClipAsync(http, session.Id, clip));

        await http.RecordAsync(session.WithClipFailed(clip, Begin.AddMinutes(1)));
        Assert.Equal(("ERROR", null), await ClipAsync(http, session.Id, clip));

        await media.PutAsync(TestClients.AccountOne, TestClients.WorkspaceA, $"clips/{clip}.mp4", "the clip");
        await http.RecordAsync(session.WithClipGenerated(clip, $"clips/{clip}.mp4", Begin.AddMinutes(2)));
        var (status, url) = await ClipAsync(http, session.Id, clip);
        Assert.Equal(("GENERATED", "the clip"), (status, await DownloadAsync(new Uri(url!))));
        Assert.Equal("the clip", await DownloadAsync(await AtAsync(new Uri(url!), TimeSpan.FromMinutes(14))));
        Assert.Equal("403 Request has expired", await DownloadAsync(await AtAsync(new Uri(url!), TimeSpan.FromMinutes(16))));

        await http.RecordAsync(session.WithClip(clip, 5_000, "Anew", Begin.AddMinutes(3)));
        Assert.Equal(("GENERATING", null), await ClipAsync(http, session.Id, clip));
    }

    [Fact]
    public async Task A_deleted_clip_reads_as_one_that_never_was_until_it_is_cut_again()
    {
        using var http = await media.ClientAsync();
        var clip = Guid.NewGuid();
        var session = TestData.Session().WithClip(clip, time: Begin).WithClipDeleted(clip, Begin.AddMinutes(1));
        await http.RecordAsync(session);
        using var gone = await http.ReadAsync($"/api/v2/sessionResults/{session.Id}/clips/{clip}");
        using var never = await http.ReadAsync($"/api/v2/sessionResults/{session.Id}/clips/{Guid.NewGuid()}");

        Assert.Equal((await never.ProblemAsync(HttpStatusCode.NotFound)).ToJsonString(), (await gone.ProblemAsync(HttpStatusCode.NotFound)).ToJsonString());
        await http.RecordAsync(session.WithClip(clip, time: Begin.AddMinutes(2)));
        Assert.Equal(("GENERATING", null), await ClipAsync(http, session.Id, clip));
    }

    [Fact]
    public async Task Of_too_many_clips_a_thousand_are_kept_whatever_their_order()
    {
        using var http = await media.ClientAsync();
        var clips = Enumerable.Range(0, 1_005).Select(_ => Guid.NewGuid()).ToList();
        foreach (var session in new[] { TestData.Session().WithVideo(), TestData.Session().WithVideo() })
        {
            foreach (var chunk in clips.Chunk(900))
            {
                var part = TestData.SessionOnly(session.Id, session.TestId);
                foreach (var clip in chunk)
                    part.WithClip(clip, time: Begin);
                await http.RecordAsync(part);
            }

            await http.RecordAsync(session);
            var shown = (await http.JsonAsync($"/api/v2/sessionResults/{session.Id}/clips"))["clips"]!.AsArray().Select(clip => (Guid)clip!["uuid"]!);
            Assert.Equal(clips.Order().Take(1_000), shown.Order());
            clips.Reverse();
        }
    }

    [Theory]
    [InlineData("data.clipId", "\"00000000-0000-0000-0000-000000000000\"", "must not be the nil UUID")]
    [InlineData("data.name", null, "is required")]
    [InlineData("data.name", "\"x*1001\"", "must have at most 1,000 characters, not 1001")]
    [InlineData("data.description", "\"x*100001\"", "must have at most 100,000 characters, not 100001")]
    [InlineData("data.timeStartMs", "-1", "must be 0 or more milliseconds since the session's start, not -1")]
    [InlineData("data.timeEndMs", "1000", "must be after timeStartMs")]
    [InlineData("data.hasAudio", "1", "must be true or false")]
    [InlineData("data.layout.mainStream", "\"HAND\"", "must be one of SCREEN, CAMERA")]
    [InlineData("data.layout.pipPosition", "\"LEFT\"", "must be one of TOP_LEFT, TOP_RIGHT, BOTTOM_LEFT, BOTTOM_RIGHT")]
    [InlineData("data.layout.pipState", null, "is required")]
    public async Task A_clip_that_breaks_a_rule_is_refused(string path, string? json, string message)
    {
        using var http = await media.ClientAsync();
        using var answer = await http.SendAsync(TestData.Session().WithClip(Guid.NewGuid()).But(path, json));

        Assert.Equal(
            new JsonObject { [$"[1].{path}"] = new JsonArray(message) }.ToJsonString(),
            (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
    }

    [Theory]
    [InlineData("data.regions.screen.widthPx", "0", "must be 1 or more pixels, not 0")]
    [InlineData("data.regions.camera.heightPx", "-1", "must be 1 or more pixels, not -1")]
    [InlineData("data.regions.camera.topLeftPoint.x", "-1", "must be 0 or more pixels, not -1")]
    [InlineData("data.regions.camera.topLeftPoint", null, "is required")]
    [InlineData("data.videoId", "\"x\"", "must be a UUID")]
    public async Task A_recording_that_breaks_a_rule_is_refused(string path, string? json, string message)
    {
        using var http = await media.ClientAsync();
        using var answer = await http.SendAsync(TestData.Session().WithVideo().But(path, json));

        Assert.Equal(
            new JsonObject { [$"[1].{path}"] = new JsonArray(message) }.ToJsonString(),
            (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
    }

    [Fact]
    public async Task A_recording_without_regions_is_taken()
    {
        using var http = await media.ClientAsync();
        var (without, one) = (TestData.Session().WithVideo().But("data.regions", null), TestData.Session().WithVideo().But("data.regions.camera", null));
        await http.RecordAsync(without);
        await http.RecordAsync(one);

        Assert.False((await http.JsonAsync($"/api/v2/sessionResults/{without.Id}/clips")).ContainsKey("videoRegions"));
        Assert.Equal(["screen"], (await http.JsonAsync($"/api/v2/sessionResults/{one.Id}/clips"))["videoRegions"]!.AsObject().Select(region => region.Key));
    }

    [Fact]
    public async Task Reels_are_listed_latest_first_in_the_references_shape()
    {
        using var http = await media.ClientAsync();
        var test = Guid.NewGuid();
        var (one, two) = (Guid.NewGuid(), Guid.NewGuid());
        await http.RecordAsync(TestData.Session(test: test).WithClip(one));
        await http.RecordAsync(TestData.Session(test: test).WithClip(two));
        var (some, all) = (TestData.ReelOnly().Published(test, TestClients.WorkspaceA, [one, one], "Some", Begin.AddHours(1)), TestData.ReelOnly().Published(test, TestClients.WorkspaceA, [two, one], "All", Begin.AddHours(2)));
        var gone = TestData.Reel(test, one).Deleted();
        foreach (var reel in new[] { some, all, gone })
            await http.RecordAsync(reel);

        var expected =
            $$"""
            {"reels":[
            {"uuid":"{{all.Id}}","name":"All","durationMs":2000,"lastUpdatedAtMs":{{Begin.AddHours(2).ToUnixTimeMilliseconds()}},"numClips":2,"areAllClipsInReel":true},
            {"uuid":"{{some.Id}}","name":"Some","durationMs":2000,"lastUpdatedAtMs":{{Begin.AddHours(1).ToUnixTimeMilliseconds()}},"numClips":2,"areAllClipsInReel":false}],
            "studyWithClips":true}
            """.ReplaceLineEndings("");
        var actual = "";
        // Which clips a test has is told by its totals.
        await Wait.UntilAsync(async () => (actual = (await http.JsonAsync($"/api/v2/testResults/{test}/highlightreels")).ToJsonString()) == expected);
        Assert.Equal(expected, actual);
    }

    [Fact]
    public async Task Reels_come_in_pages_for_whoever_asks_for_them()
    {
        using var http = await media.ClientAsync();
        var test = Guid.NewGuid();
        var reels = Enumerable.Range(0, 5).Select(i => TestData.ReelOnly().Published(test, TestClients.WorkspaceA, [], $"Reel {i}", Begin.AddHours(i / 2))).ToList();
        foreach (var reel in reels)
            await http.RecordAsync(reel);
        await http.RecordAsync(TestData.Reel(test).Deleted());
        var path = $"/api/v2/testResults/{test}/highlightreels";

        var all = await http.JsonAsync(path);
        Assert.Null(all["meta"]);
        var ids = Ids(all);
        Assert.Equal(reels.Select(reel => reel.Id).Order(), ids.Order());
        Assert.Equal("Reel 4", (string?)all["reels"]![0]!["name"]);

        var (walked, cursor) = (new List<Guid>(), "");
        do
        {
            var page = await http.JsonAsync($"{path}?limit=2{cursor}");
            walked.AddRange(Ids(page));
            Assert.Equal(5, (int)page["meta"]!["pagination"]!["totalCount"]!);
            cursor = (string?)page["meta"]!["pagination"]!["nextCursor"] is { } next ? $"&cursor={next}" : null;
        }
        while (cursor is not null);
        Assert.Equal(ids, walked);
        Assert.Equal(ids[3..], Ids(await http.JsonAsync($"{path}?offset=3")));

        foreach (var (query, error) in new[] { ("limit=0", "limit"), ("limit=501", "limit"), ("offset=10001", "offset"), ("cursor=x", "cursor") })
        {
            using var refused = await http.ReadAsync($"{path}?{query}");
            Assert.NotNull((await refused.ProblemAsync(HttpStatusCode.BadRequest))["errors"]![error]);
        }

        static List<Guid> Ids(System.Text.Json.Nodes.JsonObject list) => [.. list["reels"]!.AsArray().Select(reel => (Guid)reel!["uuid"]!)];
    }

    [Fact]
    public async Task A_list_of_reels_that_is_longer_than_a_page_says_how_it_goes_on()
    {
        using var http = await media.ClientAsync();
        var test = Guid.NewGuid();
        var events = Enumerable.Range(0, 501).Select(i => TestData.ReelOnly().Published(test, TestClients.WorkspaceA, [], $"Reel {i}", Begin.AddSeconds(i)).Events[0].ToJsonString());
        using (var recorded = await http.SendAsync($"[{string.Join(',', events)}]"))
            Assert.Equal(HttpStatusCode.OK, recorded.StatusCode);

        var page = await http.JsonAsync($"/api/v2/testResults/{test}/highlightreels");
        Assert.Equal((500, 501), (page["reels"]!.AsArray().Count, (int)page["meta"]!["pagination"]!["totalCount"]!));
        var rest = await http.JsonAsync($"/api/v2/testResults/{test}/highlightreels?cursor={(string?)page["meta"]!["pagination"]!["nextCursor"]}");
        Assert.Equal("Reel 0", (string?)Assert.Single(rest["reels"]!.AsArray())!["name"]);
        Assert.Null(rest["meta"]!["pagination"]!["nextCursor"]);
    }

    [Fact]
    public async Task A_test_without_reels_and_clips_has_none()
    {
        using var http = await media.ClientAsync();
        var session = TestData.Session();
        await http.RecordAsync(session);

        Assert.Equal("""{"reels":[],"studyWithClips":false}""", (await http.JsonAsync($"/api/v2/testResults/{session.TestId}/highlightreels")).ToJsonString());
    }

    [Fact]
    public async Task A_reels_file_downloads_once_it_is_generated_whatever_the_order_of_its_events()
    {
        using var http = await media.ClientAsync();
        var test = Guid.NewGuid();
        await media.PutAsync(TestClients.AccountOne, TestClients.WorkspaceA, "reels/1.mp4", "the reel");
        var reel = TestData.ReelOnly().Generated("reels/1.mp4", Begin.AddMinutes(1));
        await http.RecordAsync(reel);
        using (var early = await http.ReadAsync(Path()))
            Assert.Equal(HttpStatusCode.NotFound, early.StatusCode);

        await http.RecordAsync(reel.Published(test, TestClients.WorkspaceA, [], time: Begin));
        var file = await http.JsonAsync(Path());
        Assert.Equal((reel.Id, "GENERATED", "the reel"), ((Guid)file["reelId"]!, (string)file["status"]!, await DownloadAsync(new Uri((string)file["reelUrl"]!))));

        await http.RecordAsync(reel.Failed(Begin.AddMinutes(2)));
        Assert.Equal($$"""{"reelId":"{{reel.Id}}","status":"ERROR"}""", (await http.JsonAsync(Path())).ToJsonString());
        await http.RecordAsync(reel.Published(test, TestClients.WorkspaceA, [], "Renamed", Begin.AddMinutes(3)));
        Assert.Equal($$"""{"reelId":"{{reel.Id}}","status":"GENERATING"}""", (await http.JsonAsync(Path())).ToJsonString());
        await http.RecordAsync(reel.Deleted(Begin.AddMinutes(4)));
        using var deleted = await http.ReadAsync(Path());
        using var never = await http.ReadAsync($"/api/v2/testResults/{test}/highlightreels/{Guid.NewGuid()}");
        Assert.Equal((await never.ProblemAsync(HttpStatusCode.NotFound)).ToJsonString(), (await deleted.ProblemAsync(HttpStatusCode.NotFound)).ToJsonString());

        string Path() => $"/api/v2/testResults/{test}/highlightreels/{reel.Id}";
    }

    [Fact]
    public async Task A_reel_is_read_and_written_in_its_own_workspace_and_test_alone()
    {
        using var http = await media.ClientAsync();
        using var elsewhere = await media.ClientAsync(TestClients.OtherWorkspace);
        var reel = TestData.Reel(Guid.NewGuid());
        await http.RecordAsync(reel);
        var test = (string)reel.Events[0]["data"]!["testId"]!;

        foreach (var (client, path) in new[] { (elsewhere, $"{test}/highlightreels/{reel.Id}"), (elsewhere, $"{test}/highlightreels"), (http, $"{Guid.NewGuid()}/highlightreels/{reel.Id}") })
        {
            using var answer = await client.ReadAsync($"/api/v2/testResults/{path}");
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }

        using var written = await elsewhere.SendAsync(TestData.ReelOnly(reel.Id).Deleted());
        Assert.Equal("""{"[0].subject":["must be a highlight reel of the sender\u0027s workspaces"]}""", (await written.ProblemAsync(HttpStatusCode.Forbidden))["errors"]!.ToJsonString());
        using var placed = await elsewhere.SendAsync(TestData.Reel(Guid.NewGuid()));
        Assert.Equal("""{"[0].data.workspaceId":["must be one of the sender\u0027s workspaces"]}""", (await placed.ProblemAsync(HttpStatusCode.Forbidden))["errors"]!.ToJsonString());
    }

    [Fact]
    public async Task A_subject_is_a_session_or_a_reel_for_ever()
    {
        using var http = await media.ClientAsync();
        var (session, reel) = (TestData.Session(), TestData.Reel(Guid.NewGuid()));
        await http.RecordAsync(session);
        await http.RecordAsync(reel);

        using var asReel = await http.SendAsync(TestData.ReelOnly(session.Id).Generated());
        using var asSession = await http.SendAsync(TestData.SessionOnly(reel.Id).WithAnswer(Answers.Nps(1)));
        var both = Guid.NewGuid();
        using var atOnce = await http.SendAsync($"[{TestData.SessionOnly(both).WithAnswer(Answers.Nps(1)).Events[0].ToJsonString()},{TestData.ReelOnly(both).Generated().Events[0].ToJsonString()}]");

        // Whoever may not write it learns no more than of a session of its kind.
        using var elsewhere = await media.ClientAsync(TestClients.OtherWorkspace);
        using var foreign = await elsewhere.SendAsync(TestData.SessionOnly(reel.Id).WithAnswer(Answers.Nps(1)));
        Assert.Equal("""{"[0].subject":["must be a session of the sender\u0027s workspaces"]}""", (await foreign.ProblemAsync(HttpStatusCode.Forbidden))["errors"]!.ToJsonString());

        Assert.Equal("""{"[0].subject":["is the id of a session"]}""", (await asReel.ProblemAsync(HttpStatusCode.Conflict))["errors"]!.ToJsonString());
        Assert.Equal("""{"[0].subject":["is the id of a highlight reel"]}""", (await asSession.ProblemAsync(HttpStatusCode.Conflict))["errors"]!.ToJsonString());
        Assert.Equal("""{"[1].subject":["is the id of a session"]}""", (await atOnce.ProblemAsync(HttpStatusCode.Conflict))["errors"]!.ToJsonString());
        Assert.Equal("IN_PROGRESS", (string)(await http.ResultAsync(session.Id))["status"]!);
        // Nothing of a refused request is stored, its subject neither.
        await http.RecordAsync(TestData.ReelOnly(both).Generated());
    }

    [Fact]
    public async Task Reels_are_not_counted_among_the_sessions_of_a_request()
    {
        using var http = await media.ClientAsync();
        var (session, reel) = (TestData.Session(), TestData.Reel(Guid.NewGuid()).Generated());
        using var answer = await http.SendAsync($"[{string.Join(',', session.Events.Concat(reel.Events).Select(e => e.ToJsonString()))}]");

        var told = await answer.JsonAsync();
        Assert.Equal((3, 1), ((int)told["accepted"]!, (int)told["sessions"]!));
    }

    [Theory]
    [InlineData("sessionResults/x/videoDownloadUrl", """{"sessionId":["must be a UUID"]}""")]
    [InlineData("sessionResults/x/clips", """{"sessionId":["must be a UUID"]}""")]
    [InlineData("sessionResults/x/clips/y", """{"sessionId":["must be a UUID"],"clipUuid":["must be a UUID"]}""")]
    [InlineData("testResults/x/highlightreels/y", """{"testId":["must be a UUID"],"reelId":["must be a UUID"]}""")]
    public async Task An_id_that_is_not_a_UUID_is_refused(string path, string errors)
    {
        using var http = await media.ClientAsync();
        using var answer = await http.ReadAsync($"/api/v2/{path}");

        Assert.Equal(errors, (await answer.ProblemAsync(HttpStatusCode.BadRequest))["errors"]!.ToJsonString());
    }

    [Theory]
    [InlineData("videoDownloadUrl")]
    [InlineData("clips")]
    [InlineData("clips/5a000000-0000-4000-8000-000000000006")]
    public async Task Media_of_a_session_that_is_not_the_callers_read_as_not_there(string path)
    {
        using var http = await media.ClientAsync();
        using var elsewhere = await media.ClientAsync(TestClients.OtherWorkspace);
        var session = TestData.Session(TestClients.WorkspaceB).WithVideo().WithClip(Guid.Parse("5a000000-0000-4000-8000-000000000006"));
        await elsewhere.RecordAsync(session);

        using var theirs = await http.ReadAsync($"/api/v2/sessionResults/{session.Id}/{path}");
        using var nobodys = await http.ReadAsync($"/api/v2/sessionResults/{Guid.NewGuid()}/{path}");
        using var own = await elsewhere.ReadAsync($"/api/v2/sessionResults/{session.Id}/{path}");
        Assert.Equal((await nobodys.ProblemAsync(HttpStatusCode.NotFound)).ToJsonString(), (await theirs.ProblemAsync(HttpStatusCode.NotFound)).ToJsonString());
        Assert.Equal(HttpStatusCode.OK, own.StatusCode);
    }

    /// <summary>A store whose clock is ahead answers the URL in the place of the first; the signature covers the host, so it is sent.</summary>
    private async Task<HttpRequestMessage> AtAsync(Uri url, TimeSpan ahead)
    {
        var store = await media.StartAsync(ahead);
        return new HttpRequestMessage(HttpMethod.Get, new UriBuilder(url) { Port = store.Port }.Uri) { Headers = { Host = url.Authority } };
    }

    private static Task<string> DownloadAsync(Uri url) => DownloadAsync(new HttpRequestMessage(HttpMethod.Get, url));

    /// <summary>What comes, or the status with the store's reason.</summary>
    private static async Task<string> DownloadAsync(HttpRequestMessage request)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var answer = await http.SendAsync(request, Cancelled);
        var text = await answer.Content.ReadAsStringAsync(Cancelled);
        return answer.IsSuccessStatusCode ? text : $"{(int)answer.StatusCode} {text.Split("<Message>").Last().Split("</Message>")[0]}";
    }

    private static async Task<(string Status, string? Url)> ClipAsync(HttpClient http, Guid session, Guid clip)
    {
        var file = await http.JsonAsync($"/api/v2/sessionResults/{session}/clips/{clip}");
        Assert.Equal(clip, (Guid)file["clipUuid"]!);
        return ((string)file["status"]!, (string?)file["clipUrl"]);
    }
}
