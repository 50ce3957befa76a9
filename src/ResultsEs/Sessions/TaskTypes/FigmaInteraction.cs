namespace ResultsEs.Sessions.TaskTypes;

/// <summary>What the fold keeps of an interaction: its time, the node on the screen, and the click. Ordered by (atMs, event id).</summary>
/// <param name="Order">Its event.</param>
/// <param name="AtMs">When, milliseconds since the session's start.</param>
/// <param name="NodeId">The node that was on the screen; null when the message does not tell.</param>
/// <param name="IsChange">Whether the node came on the screen with it.</param>
/// <param name="Click">The press or release; null when it is neither.</param>
internal sealed record FigmaInteraction(
    EventOrder Order, long AtMs, string? NodeId,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool IsChange, FigmaClick? Click)
    : IComparable<FigmaInteraction>
{
    public static FigmaInteraction Of(EventOrder stamp, FigmaInteractionRecorded interaction) => new(
        stamp, interaction.AtMs, interaction.PresentedNodeId, interaction.Kind == "PRESENTED_NODE_CHANGED", FigmaClick.Of(interaction));

    public int CompareTo(FigmaInteraction? other) =>
        other is null ? 1 : (AtMs, Order.By).CompareTo((other.AtMs, other.Order.By));
}

/// <summary>
/// A press or a release. Figma sends the same message for both and does not say which it is; a recorder may
/// (<see cref="FigmaInteractionRecorded.Phase"/>).
/// </summary>
internal sealed record FigmaClick(bool? IsHandled, FigmaPhase? Phase, string? Target, double? X, double? Y)
{
    /// <summary>The longest time between a press and its release, where the messages do not say which they are.</summary>
    private const int LongestMs = 500;

    /// <summary>How far the pointer may move between the two, in pixels: quick clicks beside each other are several.</summary>
    public const double Farthest = 1;

    public static FigmaClick? Of(FigmaInteractionRecorded interaction) => interaction.Kind != "MOUSE_PRESS_OR_RELEASE"
        ? null
        : new FigmaClick(
            interaction.Handled, interaction.Phase, interaction.TargetNodeId,
            (double?)PlaceOf(interaction)?.X, (double?)PlaceOf(interaction)?.Y);

    /// <summary>The pointer's place.</summary>
    public static FigmaVector? PlaceOf(FigmaInteractionRecorded interaction) =>
        interaction.TargetNodeMousePosition ?? interaction.NearestScrollingFrameMousePosition;

    /// <summary>True when it counts as a missed click by itself.</summary>
    public bool IsMissed => IsHandled == false && Phase != FigmaPhase.Release;

    /// <summary>Counts the clicks that hit nothing.</summary>
    /// <param name="interactions">The interactions of a take, in order.</param>
    public static int CountMissed(IReadOnlyList<FigmaInteraction> interactions) => Missed(interactions).Count;

    /// <summary>
    /// The clicks that hit nothing. A press and its release are one click, which hit when Figma handled either: prototypes react to the
    /// one or to the other.
    /// </summary>
    /// <param name="interactions">The interactions of a take, in order.</param>
    public static IReadOnlyList<FigmaInteraction> Missed(IReadOnlyList<FigmaInteraction> interactions)
    {
        var missed = new List<FigmaInteraction>();
        FigmaInteraction? pressed = null;
        foreach (var interaction in interactions)
        {
            if (interaction.Click is not { } click)
                continue;

            if (pressed is not null && click.IsReleaseOf(pressed, interaction.AtMs))
            {
                // A press that was missed is the last of them: nothing is clicked between it and its release.
                if (click.IsHandled == true && pressed.Click!.IsMissed)
                    missed.RemoveAt(missed.Count - 1);
                pressed = null;
            }
            else
            {
                if (click.IsMissed)
                    missed.Add(interaction);
                pressed = click.Phase == FigmaPhase.Release ? null : interaction;
            }
        }

        return missed;
    }

    private bool IsReleaseOf(FigmaInteraction pressed, long atMs)
    {
        if (Phase is not null || pressed.Click!.Phase is not null)
            return Phase == FigmaPhase.Release;

        return (Target, X) != (null, null)
            && Target == pressed.Click.Target
            && atMs - pressed.AtMs <= LongestMs
            && IsNear(X, pressed.Click.X) && IsNear(Y, pressed.Click.Y);
    }

    private static bool IsNear(double? one, double? other) =>
        one is null || other is null ? one == other : Math.Abs(one.Value - other.Value) <= Farthest;
}

/// <summary>Sums over the interactions that are no longer kept one by one.</summary>
/// <param name="Count">How many there are.</param>
/// <param name="Missed">How many presses hit nothing; a release that does not say so counts as one.</param>
/// <param name="Last">The last of them by event order.</param>
internal sealed record FigmaMiddle(int Count, int Missed, EventOrder Last)
{
    public static FigmaMiddle With(FigmaMiddle? before, FigmaInteraction interaction) => new(
        (before?.Count ?? 0) + 1,
        (before?.Missed ?? 0) + (interaction.Click is { IsMissed: true } ? 1 : 0),
        before is null || interaction.Order.IsAfter(before.Last) ? interaction.Order : before.Last);
}
