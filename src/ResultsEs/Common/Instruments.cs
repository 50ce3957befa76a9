using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace ResultsEs.Common;

/// <summary>
/// The source of the service's own spans, and the meter of its own instruments. Names and units follow OpenTelemetry's semantic conventions
/// (https://opentelemetry.io/docs/specs/semconv/general/naming/). No tag tells an account, a session or a person.
/// Where nobody listens they cost next to nothing.
/// </summary>
internal static class Instruments
{
    /// <summary>The name of both.</summary>
    public const string Name = "ResultsEs";

    /// <summary>The source of spans.</summary>
    public static readonly ActivitySource Spans = new(Name);

    /// <summary>The meter.</summary>
    public static readonly Meter Meter = new(Name);
}
