using Microsoft.AspNetCore.Http.HttpResults;
using ResultsEs.Access;

namespace ResultsEs.SessionResults;

/// <summary>A session's id in a path.</summary>
internal static class SessionId
{
    /// <summary>Reads the id; what is not a UUID is refused with 400 (results-api.md).</summary>
    public static bool TryRead(string text, out Guid sessionId, out ProblemHttpResult? problem)
    {
        var valid = Uuid.TryParse(text, out sessionId);
        problem = valid
            ? null
            : Problems.BadRequest("The session id is not a UUID.", new Dictionary<string, string[]>(StringComparer.Ordinal) { ["sessionId"] = ["must be a UUID"] });
        return valid;
    }
}
