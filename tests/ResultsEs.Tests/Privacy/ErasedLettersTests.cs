using System.Text.Json.Nodes;
using ResultsEs.Tests.Access;
using ResultsEs.Tests.Ingestion.RabbitMq;

namespace ResultsEs.Tests.Privacy;

/// <summary>Dead letters of erased sessions and participants, those that are there and those that come.</summary>
public sealed class ErasedLettersTests(RabbitMqFixture rabbit) : IClassFixture<RabbitMqFixture>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_erased_is_taken_out_of_dead_letters_and_the_rest_stays()
    {
        using var http = await rabbit.ClientAsync(TestClients.Privacy);
        var (session, other, participant) = (TestData.Session(), TestData.Session(), Guid.NewGuid());
        await http.RecordAsync(session);
        var (wrong, fine) = (TestData.SessionOnly(session.Id).With("MARKEDnow", []), TestData.SessionOnly(other.Id).With("KEPTnow", []));
        await rabbit.One.PublishAsync(new JsonArray(wrong.Events[0].DeepClone(), fine.Events[0].DeepClone()).ToJsonString(), Recorder.Batch);
        var profile = TestData.SessionOnly().Profiled().But("data.participantId", $"\"{participant}\"").But("data.demographics", "\"MARKEDbinary\"");
        await rabbit.One.PublishBinaryAsync(profile.Events[0], "cloudEvents_");
        await rabbit.One.PublishAsync($"{{ \"subject\": \"{session.Id}\", \"MARKEDbroken", Brokers.Producer.Single);
        await Wait.UntilAsync(async () => (await rabbit.DeadLettersAsync()).Count(letter => RabbitMqFixture.BodyOf(letter).Contains("MARKED", StringComparison.Ordinal)) == 3);

        foreach (var path in new[] { $"sessions/{session.Id}", $"participants/{participant}" })
            using (var erased = await http.DeleteAsync(new Uri($"/api/v2/{path}", UriKind.Relative), Cancelled))
                Assert.True(erased.IsSuccessStatusCode);
        // Another one comes later, with one that stays behind it.
        await rabbit.One.PublishAsync(TestData.SessionOnly(session.Id).With("MARKEDlater", []));
        await rabbit.One.PublishAsync(TestData.SessionOnly().With("KEPTbehind", []));
        await rabbit.DeadLetterAsync("KEPTbehind");

        await Wait.UntilAsync(async () => !(await rabbit.DeadLettersAsync()).Any(letter => (RabbitMqFixture.BodyOf(letter) + letter.ExceptionMessage).Contains("MARKED", StringComparison.Ordinal)));
        var left = await rabbit.DeadLetterAsync("KEPTnow");
        Assert.Equal(fine.Json(), JsonNode.Parse(RabbitMqFixture.BodyOf(left))!.ToJsonString());
        Assert.StartsWith("invalid: refused as a whole; ", left.ExceptionMessage, StringComparison.Ordinal);
    }
}
