using ResultsEs.Access;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.TestResults;

/// <summary>The answer about one test, for the endpoints that have a test in their path.</summary>
internal static class OneTest
{
    /// <summary>Sends what a read finds of the test that a path parameter names; 404 when it finds nothing.</summary>
    public static async Task<IResult> SendAsync<T>(
        HttpContext http, string parameter, ReadDatabase database,
        Func<NpgsqlDataSource, Caller, Guid, CancellationToken, Task<T?>> read, CancellationToken cancellation)
        where T : class
    {
        var parameters = new RequestParameters(http);
        var test = parameters.Id(parameter);
        if (parameters.AreRefused(out var problem))
            return problem;

        var caller = Caller.From(http.User);
        return await database.ReadAsync((source, stop) => read(source, caller, test, stop), cancellation) is { } found
            ? JsonBody.Of(found, Json.Of<T>())
            : Problems.NotFound();
    }
}
