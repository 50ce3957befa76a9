namespace ResultsEs.Access;

/// <summary>The configured names of workspaces, by account and workspace.</summary>
public sealed class WorkspaceNames
{
    private readonly FrozenDictionary<(Guid Account, Guid Id), string> _names;

    internal WorkspaceNames(IEnumerable<WorkspaceOptions> workspaces) =>
        _names = workspaces.ToFrozenDictionary(workspace => (workspace.Account, workspace.Id), workspace => workspace.Name);

    /// <summary>The workspace's name; its id where none is configured.</summary>
    internal string Of(Guid account, Guid workspace) => _names.GetValueOrDefault((account, workspace)) ?? workspace.ToString();
}
