using System.Linq.Expressions;

namespace ResultsEs.EventStore;

/// <summary>A column next to a document's JSON, by the path of its member: one definition for table, writers and rebuild.</summary>
internal sealed record DocumentColumn(string Name, NpgsqlDbType Type, MemberInfo[] Members, Func<object, object?> Value)
{
    /// <summary>Makes the column of a member, such as <c>(SessionResult document) => document.Body.TestId</c>.</summary>
    public static DocumentColumn Of<T, TValue>(string name, Expression<Func<T, TValue>> member)
    {
        var members = new List<MemberInfo>();
        for (var step = member.Body as MemberExpression; step is not null; step = step.Expression as MemberExpression)
            members.Insert(0, step.Member);
        var (type, toColumn) = ColumnOf(Nullable.GetUnderlyingType(typeof(TValue)) ?? typeof(TValue));
        var read = member.Compile();
        return new(name, type, [.. members], document => read((T)document) is { } value ? toColumn(value) : null);
    }

    private static (NpgsqlDbType Type, Func<object, object> ToColumn) ColumnOf(Type type) => type switch
    {
        _ when type == typeof(Guid) => (NpgsqlDbType.Uuid, static value => value),
        _ when type == typeof(DateTimeOffset) => (NpgsqlDbType.TimestampTz, static value => ((DateTimeOffset)value).UtcDateTime),
        _ when type == typeof(string) => (NpgsqlDbType.Varchar, static value => value),
        _ when type == typeof(int) => (NpgsqlDbType.Integer, static value => value),
        _ when type == typeof(long) => (NpgsqlDbType.Bigint, static value => value),
        { IsEnum: true } => (NpgsqlDbType.Varchar, static value => value.ToString()!),
        _ => throw new NotSupportedException($"A column of type {type}."),
    };
}
