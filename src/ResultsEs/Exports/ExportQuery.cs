using ResultsEs.Changes;
using ResultsEs.Http;

namespace ResultsEs.Exports;

/// <summary>What the ways to ask for an export share.</summary>
internal static class ExportQuery
{
    /// <summary>The header with the cursor from which the next export goes on.</summary>
    public const string CursorHeader = "x-cursor";

    public static readonly QueryParameter Format = new(
        "format", "The format. Default: `csv`.", QueryParameter.OneOf(ExportFormats.Names));

    public static readonly QueryParameter Table = new(
        "table", "The table; not for `wide-csv`. Default: `answers`.", QueryParameter.OneOf(Tables.Names));

    public static readonly QueryParameter Mark = new(
        "bom", "`true` to begin CSV with a byte order mark, by which Excel knows UTF-8.", QueryParameter.OneOf(["true", "false"]));

    public static readonly QueryParameter SinceCursor = new(
        "since", "Only sessions that changed after this cursor, of an export or of the feed of changes. What went is in table `changes`.",
        """{ "type": "string" }""");

    public static ChangeCursor? Since(RequestParameters parameters, ExportScope scope)
    {
        if (parameters.Text("since") is not { } text)
            return null;
        if (ChangeCursor.TryRead(text, scope.Tenant, out var cursor))
            return cursor;

        parameters.Refuse("since", "must be a cursor of an export or of the feed of changes");
        return null;
    }

    /// <summary>Refuses parameters that do not go together.</summary>
    public static void RefuseMixture(RequestParameters parameters, ExportFormat format, bool hasTable, bool hasSince, bool withMark)
    {
        if (format == ExportFormat.WideCsv && hasTable)
            parameters.Refuse("table", "is not for wide-csv, which has one table");
        if (format == ExportFormat.WideCsv && hasSince)
            parameters.Refuse("since", "is not for wide-csv, which has all sessions");
        if (withMark && format is (ExportFormat.Parquet or ExportFormat.Ndjson))
            parameters.Refuse("bom", "is for csv and wide-csv alone");
    }

    /// <summary>The answer to who asks for what there cannot be; null for other failures.</summary>
    public static IResult? RefusalOf(HttpContext http, Exception failure)
    {
        switch (failure)
        {
            case ChangesGoneException:
                return Problems.Of(
                    StatusCodes.Status410Gone,
                    "What went since this cursor is no longer known. Export without since, in the place of what you have.");
            case FeedNotFilledException:
                http.Response.Headers.RetryAfter = Problems.RetryAfterSeconds.ToString(CultureInfo.InvariantCulture);
                return Problems.Of(
                    StatusCodes.Status503ServiceUnavailable,
                    "The sessions that are older than the feed of changes are being filled in. Ask again later.");
            case TooWideException:
                return Problems.Of(
                    StatusCodes.Status422UnprocessableEntity,
                    $"{failure.Message} The table answers has a row for each answer instead.");
            default:
                return null;
        }
    }
}
