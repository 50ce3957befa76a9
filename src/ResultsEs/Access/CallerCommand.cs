namespace ResultsEs.Access;

/// <summary>SQL commands that are limited to a caller's account and workspaces.</summary>
internal static class CallerCommand
{
    /// <summary>Creates a command: $1 is the caller's account, $2 the caller's workspaces, $3 and up are <paramref name="ids"/>.</summary>
    public static NpgsqlCommand CreateCommand(this NpgsqlDataSource database, string sql, Caller caller, params ReadOnlySpan<Guid> ids)
    {
        var command = database.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Tenant.Of(caller.Account) });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = caller.Workspaces });
        foreach (var id in ids)
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        return command;
    }
}
