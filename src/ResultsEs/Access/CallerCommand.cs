using Npgsql;
using ResultsEs.Common;
using ResultsEs.TestResults;

namespace ResultsEs.Access;

/// <summary>Statements that are confined to their caller.</summary>
internal static class CallerCommand
{
    /// <summary>A statement whose $1 is the caller's account, $2 the caller's workspaces, and whose $3 and further are <paramref name="ids"/>.</summary>
    public static NpgsqlCommand CreateCommand(this NpgsqlDataSource database, string sql, Caller caller, params ReadOnlySpan<Guid> ids) =>
        With(database.CreateCommand(sql), caller, ids);

    /// <summary>The same on a connection.</summary>
    public static NpgsqlCommand CreateCommand(this NpgsqlConnection connection, string sql, Caller caller, params ReadOnlySpan<Guid> ids) =>
        With(new NpgsqlCommand(sql, connection), caller, ids);

    private static NpgsqlCommand With(NpgsqlCommand command, Caller caller, ReadOnlySpan<Guid> ids)
    {
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Tenant.Of(caller.Account) });
        command.Parameters.Add(new NpgsqlParameter<Guid[]> { TypedValue = caller.Workspaces });
        foreach (var id in ids)
            command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        return command;
    }
}
