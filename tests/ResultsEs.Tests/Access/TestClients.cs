using ResultsEs.Access;

namespace ResultsEs.Tests.Access;

/// <summary>Clients for every kind of boundary. Their secret is <see cref="Secret"/>.</summary>
internal static class TestClients
{
    public const string Secret = "correct horse battery staple";

    /// <summary>The client of every Development host, with its own <see cref="DemoSecret"/>.</summary>
    public const string Demo = "demo";
    public const string DemoSecret = "demo-secret";

    /// <summary>Account one, workspace A, both scopes.</summary>
    public const string Reader = "account-one";

    /// <summary>Account one, workspace B.</summary>
    public const string OtherWorkspace = "account-one-b";

    /// <summary>Account one, workspaces A and B.</summary>
    public const string BothWorkspaces = "account-one-ab";

    /// <summary>Account two.</summary>
    public const string OtherAccount = "account-two";

    /// <summary>Account two, a workspace that has the id of account one's A.</summary>
    public const string OtherAccountWithWorkspaceA = "account-two-a";

    /// <summary>Account one, workspace A, <c>studies:read</c> only.</summary>
    public const string ReadOnly = "read-only";

    /// <summary>Account one, workspace A, <c>events:write</c> only.</summary>
    public const string WriteOnly = "write-only";

    /// <summary>Account one, workspaces A and B; its settings are for one test to change.</summary>
    public const string Changing = "changing";

    /// <summary>Account one, workspace A, all scopes.</summary>
    public const string Privacy = "privacy-one";

    /// <summary>Account one, workspaces A and B, all scopes.</summary>
    public const string PrivacyOfBoth = "privacy-one-ab";

    /// <summary>Account one, workspace A, with webhooks.</summary>
    public const string Hooks = "hooks-one";

    /// <summary>Account one, workspace B, with webhooks.</summary>
    public const string HooksOfB = "hooks-one-b";

    /// <summary>Account two, with webhooks.</summary>
    public const string HooksOfTwo = "hooks-two";

    /// <summary>Account one, workspaces A and B, with webhooks; its settings are for one test to change.</summary>
    public const string HooksChanging = "hooks-changing";

    /// <summary>Account two, all scopes.</summary>
    public const string OperatorOfTwo = "operator-two";

    public static readonly Guid AccountOne = Guid.Parse("11111111-0000-4000-8000-000000000001");
    public static readonly Guid AccountTwo = Guid.Parse("22222222-0000-4000-8000-000000000002");
    public static readonly Guid WorkspaceA = Guid.Parse("11111111-0000-4000-8000-00000000000a");
    public static readonly Guid WorkspaceB = Guid.Parse("11111111-0000-4000-8000-00000000000b");
    public static readonly Guid WorkspaceOfTwo = Guid.Parse("22222222-0000-4000-8000-00000000000a");

    // Hashing is slow on purpose: once for all.
    private static readonly string SecretHash = ResultsEs.Access.SecretHash.Of(Secret);

    private static readonly (string Id, Guid Account, Guid[] Workspaces, string[] Scopes)[] All =
    [
        (Reader, AccountOne, [WorkspaceA], [Scopes.StudiesRead, Scopes.EventsWrite]),
        (OtherWorkspace, AccountOne, [WorkspaceB], [Scopes.StudiesRead, Scopes.EventsWrite]),
        (BothWorkspaces, AccountOne, [WorkspaceA, WorkspaceB], [Scopes.StudiesRead, Scopes.EventsWrite]),
        (OtherAccount, AccountTwo, [WorkspaceOfTwo], [Scopes.StudiesRead, Scopes.EventsWrite]),
        (OtherAccountWithWorkspaceA, AccountTwo, [WorkspaceA], [Scopes.StudiesRead, Scopes.EventsWrite]),
        (ReadOnly, AccountOne, [WorkspaceA], [Scopes.StudiesRead]),
        (WriteOnly, AccountOne, [WorkspaceA], [Scopes.EventsWrite]),
        (Changing, AccountOne, [WorkspaceA, WorkspaceB], [Scopes.StudiesRead, Scopes.EventsWrite]),
        (Privacy, AccountOne, [WorkspaceA], [.. Scopes.All]),
        (PrivacyOfBoth, AccountOne, [WorkspaceA, WorkspaceB], [.. Scopes.All]),
        (Hooks, AccountOne, [WorkspaceA], [Scopes.StudiesRead, Scopes.EventsWrite, Scopes.WebhooksWrite]),
        (HooksOfB, AccountOne, [WorkspaceB], [Scopes.StudiesRead, Scopes.EventsWrite, Scopes.WebhooksWrite]),
        (HooksChanging, AccountOne, [WorkspaceA, WorkspaceB], [Scopes.StudiesRead, Scopes.EventsWrite, Scopes.WebhooksWrite]),
        (OperatorOfTwo, AccountTwo, [WorkspaceOfTwo], [.. Scopes.All]),
        (HooksOfTwo, AccountTwo, [WorkspaceOfTwo], [Scopes.StudiesRead, Scopes.EventsWrite, Scopes.WebhooksWrite]),
    ];

    public static IEnumerable<KeyValuePair<string, string?>> Settings(int firstIndex = 0)
    {
        foreach (var ((id, account, workspaces, scopes), i) in All.Select((client, i) => (client, i + firstIndex)))
        {
            yield return new($"Clients:{i}:Id", id);
            yield return new($"Clients:{i}:SecretHash", SecretHash);
            yield return new($"Clients:{i}:Account", account.ToString());
            for (var w = 0; w < workspaces.Length; w++)
                yield return new($"Clients:{i}:Workspaces:{w}", workspaces[w].ToString());
            for (var s = 0; s < scopes.Length; s++)
                yield return new($"Clients:{i}:Scopes:{s}", scopes[s]);
        }
    }
}
