namespace ResultsEs.Common;

/// <summary>
/// The service's own spans and metrics. Names and units follow OpenTelemetry's semantic conventions
/// (https://opentelemetry.io/docs/specs/semconv/general/naming/). No tag names an account, a session or a person.
/// Without a listener they cost next to nothing.
/// </summary>
internal static class Instruments
{
    public const string Name = "ResultsEs";

    public static readonly ActivitySource Spans = new(Name);

    public static readonly Meter Meter = new(Name);
}
