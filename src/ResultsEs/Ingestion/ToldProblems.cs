using System.Text.Encodings.Web;

namespace ResultsEs.Ingestion;

/// <summary>The problems that a refusal names: the first that fit into a budget of bytes, and how many more there are.</summary>
internal readonly record struct ToldProblems(IReadOnlyList<EventProblem> Named, long More)
{
    /// <summary>The bytes of a request's problems, or of its refused lines. With all around them, an answer has up to 256 KiB.</summary>
    public const int RequestBytes = 254 * 1024;

    /// <summary>The bytes that are told of one line of many, or of a message, whose refusal is a log line.</summary>
    public const int LineBytes = 4 * 1024;

    // The longest of our own rules has some 150; those of the libraries may repeat what was sent.
    private const int MaxMessage = 500;

    // Around its texts: quotes, brackets, indices, member names.
    private const int BytesOfProblem = 64;

    /// <summary>What is said of those that are not named; null when all are.</summary>
    public string? Rest => More > 0 ? $"and {More} more problems, which are not named" : null;

    /// <summary>Takes problems in their order while they fit. Those of the request as a whole always do.</summary>
    public static ToldProblems Of(IReadOnlyList<EventProblem> problems, int bytes)
    {
        var named = new List<EventProblem>();
        var (more, isFull) = (0L, false);
        foreach (var problem in problems)
        {
            var told = problem with { Message = Printable.Excerpt(problem.Message, MaxMessage) };
            bytes -= isFull ? 0 : BytesOf(told);
            isFull |= bytes < 0;
            if (isFull && problem.Index >= 0)
                more += problem.Count;
            else
                named.Add(told);
        }

        return new ToldProblems(named, more);
    }

    // As the refusal of a request tells it: path and id are there once more, in the list of events.
    private static int BytesOf(EventProblem problem) =>
        BytesOf(problem.Key) + BytesOf(problem.Message) + BytesOf(problem.Path) + BytesOf(problem.EventId ?? "") + BytesOfProblem;

    private static int BytesOf(string text) =>
        JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes.Length;
}
