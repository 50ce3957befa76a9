using ResultsEs.Changes;

namespace ResultsEs.Exports;

/// <summary>What is asked for.</summary>
internal sealed record ExportAsk(ExportScope Scope, IReadOnlyList<string> Tables, ExportFormat Format, bool WithMark, string? Since);

/// <summary>An export for whoever makes it.</summary>
/// <param name="Id">The export.</param>
/// <param name="Ask">What it is of.</param>
/// <param name="Until">Up to where it has all; null until it begins.</param>
/// <param name="Plan">The columns of the wide format.</param>
/// <param name="Part">The last part that is stored.</param>
/// <param name="Place">How far that reaches.</param>
internal sealed record UnfinishedExport(Guid Id, ExportAsk Ask, long? Until, WidePlan? Plan, int Part, ExportPlace Place)
{
    public ExportRange Range => new(
        Ask.Since is { } text && ChangeCursor.TryRead(text, Ask.Scope.Tenant, out var since) ? since : null, Until ?? 0);
}
