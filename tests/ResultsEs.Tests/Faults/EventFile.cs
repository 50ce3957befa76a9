using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Faults;

/// <summary>A file of complete sessions that is the same each time it is read, and is nowhere whole.</summary>
internal sealed class EventFile(int sessions, int perSession, int first = 0)
{
    private const int PerBatch = 100;

    /// <summary>A start, answers, and the end of each session, one after the other.</summary>
    private IEnumerable<string> Lines()
    {
        for (var session = first; session < first + sessions; session++)
        {
            yield return Line(session, 0, "SessionStarted",
                $$"""{"workspaceId":"{{TestClients.WorkspaceA}}","testId":"{{TestClients.WorkspaceB}}","productType":"SURVEY","startedAt":"2026-03-01T10:15:00Z"}""");
            for (var i = 1; i < perSession - 1; i++)
            {
                yield return Line(session, i, "TaskAnswered", string.Create(CultureInfo.InvariantCulture,
                    $$$"""{"taskId":"{{{Id(session, i, 7)}}}","position":{{{i}}},"text":"Question {{{i}}}","startTimeMs":{{{i}}},"endTimeMs":{{{i}}},"answer":{"type":"NPS","score":{{{i % 11}}}}}"""));
            }

            yield return Line(session, perSession - 1, "SessionCompleted", """{"finishedAt":"2026-03-01T10:20:00Z"}""");
        }
    }

    /// <summary>The file as messages.</summary>
    public IEnumerable<string> Batches() => Lines().Chunk(PerBatch).Select(lines => $"[{string.Join(',', lines)}]");

    /// <summary>The file as a body, made as it is sent.</summary>
    public HttpContent Content() => new Body(Lines());

    private static string Line(int session, int i, string type, string data) => string.Create(CultureInfo.InvariantCulture,
        $$"""{"specversion":"1.0","id":"{{Id(session, i, 1)}}","source":"/file","type":"results.{{type}}.v1","subject":"{{Session(session)}}","time":"2026-03-01T10:15:00Z","data":{{data}}}""");

    /// <summary>The id of its session of this number.</summary>
    public static Guid Session(int number) => Id(number, 0, 4);

    private static Guid Id(int session, int i, byte kind) => new(session, (short)i, 0x4000, 0x80, 0, 0, 0, 0, 0, 0, kind);

    private sealed class Body : HttpContent
    {
        private readonly IEnumerable<string> _lines;

        public Body(IEnumerable<string> lines)
        {
            _lines = lines;
            Headers.ContentType = new MediaTypeHeaderValue("application/x-ndjson");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            foreach (var lines in _lines.Chunk(PerBatch))
                await stream.WriteAsync(Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n"));
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
