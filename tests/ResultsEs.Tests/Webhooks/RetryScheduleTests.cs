using Microsoft.Extensions.Time.Testing;
using ResultsEs.Webhooks;

namespace ResultsEs.Tests.Webhooks;

/// <summary>When a message is tried again, and who may send how much at a time.</summary>
public sealed class RetryScheduleTests
{
    private static readonly DateTimeOffset Begin = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Attempts_go_on_for_72_hours_with_growing_pauses_and_the_last_is_at_their_end()
    {
        var clock = new FakeTimeProvider(Begin);
        var times = new List<DateTimeOffset> { Begin };
        while (RetrySchedule.Next(Begin, times.Count, clock.GetUtcNow(), asked: null) is { } next)
        {
            clock.SetUtcNow(next);
            times.Add(next);
        }

        Assert.Equal(Begin + TimeSpan.FromHours(72), times[^1]);
        Assert.InRange(times.Count, 20, 40);
        Assert.InRange(times[1] - times[0], TimeSpan.FromSeconds(2.5), TimeSpan.FromSeconds(5));
        Assert.All(times.Zip(times.Skip(1)), pair => Assert.InRange(pair.Second - pair.First, TimeSpan.Zero, TimeSpan.FromHours(6)));
    }

    [Theory]
    [InlineData(60, 60)]
    [InlineData(86_400, 3_600)]
    public void An_endpoint_may_ask_for_a_longer_pause_up_to_an_hour(int asked, int pause) => Assert.Equal(
        Begin + TimeSpan.FromSeconds(pause), RetrySchedule.Next(Begin, 1, Begin, TimeSpan.FromSeconds(asked)));

    [Fact]
    public void An_endpoint_may_not_ask_for_a_shorter_one_or_one_behind_the_end()
    {
        Assert.True(RetrySchedule.Next(Begin, 1, Begin, TimeSpan.Zero) > Begin + TimeSpan.FromSeconds(2));
        Assert.Equal(Begin + TimeSpan.FromHours(72), RetrySchedule.Next(Begin, 9, Begin + TimeSpan.FromHours(71.5), TimeSpan.FromHours(1)));
    }

    [Fact]
    public void Slots_go_to_accounts_in_turn_and_slow_webhooks_take_none_of_the_others()
    {
        var slots = new SendingSlots();
        var loud = Enumerable.Range(0, 10).Select(_ => new DueWebhook(Guid.NewGuid(), "a", IsSlow: false, Due: 4)).ToList();
        var slow = Enumerable.Range(0, 30).Select(i => new DueWebhook(Guid.NewGuid(), $"s{i % 10}", IsSlow: true, Due: 4)).ToList();
        var quiet = new DueWebhook(Guid.NewGuid(), "z", IsSlow: false, Due: 1);

        var first = slots.Take([.. loud, .. slow]);
        Assert.Equal((16, 16), (first.Where(one => one.Webhook.Account == "a").Sum(one => one.Count), first.Where(one => one.Webhook.IsSlow).Sum(one => one.Count)));
        Assert.All(first, one => Assert.InRange(one.Count, 1, one.Webhook.IsSlow ? 1 : 4));
        Assert.Equal([(quiet, 1)], slots.Take([.. loud, .. slow, quiet]));

        // Those that got none are first when some are free.
        foreach (var (webhook, count) in first)
            slots.Return(webhook, count);
        var second = slots.Take([.. loud, .. slow]);
        Assert.Equal((16, 16), (second.Where(one => one.Webhook.Account == "a").Sum(one => one.Count), second.Where(one => one.Webhook.IsSlow).Sum(one => one.Count)));
    }

    [Fact]
    public void Slots_that_are_returned_can_be_taken_again()
    {
        var slots = new SendingSlots();
        var webhook = new DueWebhook(Guid.NewGuid(), "a", IsSlow: false, Due: 9);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal([(webhook, 4)], slots.Take([webhook]));
            Assert.Empty(slots.Take([webhook]));
            slots.Return(webhook, 4);
        }
    }
}
