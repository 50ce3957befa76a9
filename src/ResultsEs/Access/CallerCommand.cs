namespace ResultsEs.Access;

/// <summary>SQL commands that are limited to a caller's account and workspaces.</summary>
internal static class CallerCommand
{
    /// <summary>Creates a command: $1 is the caller's account, $2 the caller's workspaces, $3 and up are <paramref name="ids"/>.</summary>
    public static NpgsqlCommand CreateCommand(this NpgsqlDataSource database, string sql, Caller caller, params ReadOnlySpan<Guid> ids) =>
        AddParameters(database.CreateCommand(sql), caller, ids);

    /// <summary>Creates the same command on a connection.</summary>
    public static NpgsqlCommand CreateCommand(
        this NpgsqlConnection connection, string sql, Caller caller, params ReadOnlySpan<Guid> ids) =>
        AddParameters(new NpgsqlCommand(sql, connection), caller, ids);

    private static NpgsqlCommand AddParameters(NpgsqlCommand command, Caller caller, ReadOnlySpan<Guid> ids)
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Tenant.Of(caller.Account) });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = caller.Workspaces });
        foreach (var id in ids)
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        return command;
    }
}
