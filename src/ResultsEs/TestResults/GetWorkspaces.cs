using ResultsEs.Access;
using ResultsEs.Http;

namespace ResultsEs.TestResults;

/// <summary><c>GET /v1/workspaces</c>: the caller's workspaces.</summary>
public static class GetWorkspaces
{
    internal static readonly Operation Description = new("listWorkspaces", ApiTag.Tests, "The caller's workspaces")
    {
        Text = "In the order of their names. A workspace whose name is not configured has its id for a name.",
        Replies = [Reply.Ok<IReadOnlyList<Workspace>>("The workspaces.")],
    };

    /// <summary>Sends the workspaces of the token. Their number is bounded by what a token holds.</summary>
    [WolverineGet("/v1/workspaces")]
    [Authorize(Scopes.StudiesRead)]
    [Compressed]
    public static IResult Get(HttpContext http, WorkspaceNames names) =>
        JsonBody.Of(Of(Caller.From(http.User), names), Json.Of<IReadOnlyList<Workspace>>());

    internal static IReadOnlyList<Workspace> Of(Caller caller, WorkspaceNames names) =>
    [
        .. caller.Workspaces.Select(id => new Workspace(id, id, names.Of(caller.Account, id)))
            .OrderBy(workspace => workspace.Name, StringComparer.Ordinal).ThenBy(workspace => workspace.Uuid),
    ];
}

/// <summary>A workspace.</summary>
/// <param name="Id">The same as <c>uuid</c>.</param>
/// <param name="Uuid">The workspace.</param>
/// <param name="Name">Its name; its id where no name is configured.</param>
internal sealed record Workspace(Guid Id, Guid Uuid, string Name);
