using System;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading.Tasks;

/// <summary>What the clients in C# share.</summary>
public static class Tour
{
    public static readonly DateTimeOffset Start = new(2026, 3, 1, 10, 15, 0, TimeSpan.Zero);

    public static string Or(object? value) => Convert.ToString(value, CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : "-";

    /// <summary>The exception by which a client tells that a call was refused.</summary>
    public static async Task<TRefusal> RefusedAsync<TRefusal>(Func<Task> call)
        where TRefusal : Exception
    {
        try
        {
            await call();
        }
        catch (TRefusal e)
        {
            return e;
        }

        throw new InvalidOperationException("It was not refused.");
    }

    /// <summary>A line with the session's end, and one that is refused.</summary>
    public static Stream Lines(Guid session) => new MemoryStream(Encoding.UTF8.GetBytes(
        $$$"""
        {"specversion":"1.0","id":"{{{Guid.NewGuid()}}}","source":"/recorder","type":"results.SessionCompleted.v1","subject":"{{{session}}}","time":"2026-03-01T10:20:00.000Z","data":{"finishedAt":"2026-03-01T10:20:00Z"}}
        {}

        """));
}
