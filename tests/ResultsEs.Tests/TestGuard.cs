using System.Collections.Concurrent;
using System.Reflection;
using Xunit.v3;

[assembly: ResultsEs.Tests.TestGuard]

namespace ResultsEs.Tests;

/// <summary>
/// Cancels a test that takes longer than any may, so that it fails by name and the others go on. What does not look at its cancellation
/// is ended with the whole run, by <c>--hangdump</c> of <c>tests/run.sh</c>.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class TestGuardAttribute : BeforeAfterTestAttribute
{
    // Faults and inputs that go on for a while because somebody asked for it are no reason.
    private static readonly TimeSpan Patience =
        Environment.GetEnvironmentVariable("RESULTS_FAULTS") is null && Environment.GetEnvironmentVariable("RESULTS_FUZZ") is null
            ? TimeSpan.FromMinutes(6)
            : TimeSpan.FromHours(24);

    private static readonly ConcurrentDictionary<string, Timer> Running = [];

    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        var context = TestContext.Current;
        Running[test.UniqueID] = new Timer(
            _ =>
            {
                context.SendDiagnosticMessage("{0} takes longer than {1}: cancelled", test.TestDisplayName, Patience);
                context.CancelCurrentTest();
            },
            state: null, Patience, Timeout.InfiniteTimeSpan);
    }

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (Running.TryRemove(test.UniqueID, out var timer))
            timer.Dispose();
    }
}
