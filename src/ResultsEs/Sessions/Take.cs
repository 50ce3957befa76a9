namespace ResultsEs.Sessions;

/// <summary>A take of a task: what led to one answer or skip (docs/decisions/0025).</summary>
/// <param name="Ids">The events of its answers or its skip.</param>
/// <param name="First">The first of them.</param>
/// <param name="Previous">The last one of the take before; null when there is none.</param>
internal readonly record struct Take(HashSet<Guid> Ids, EventOrder First, EventOrder? Previous)
{
    /// <summary>The take that is shown: the latest answer or skip, with those that it corrects.</summary>
    public static Take ShownOf(TaskFold task)
    {
        var take = new Take([], default, null);
        var isWhole = false;
        foreach (var settled in (task.Earlier ?? []).Append(task.Settled).OfType<Settled>().Reverse())
        {
            if (isWhole)
                return take with { Previous = settled.Order };
            take.Ids.Add(settled.Order.By);
            take = take with { First = settled.Order };
            isWhole = !settled.IsCorrection;
        }

        return take;
    }
}
