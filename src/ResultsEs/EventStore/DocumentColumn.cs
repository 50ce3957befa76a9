using System.Linq.Expressions;

namespace ResultsEs.EventStore;

/// <summary>A column next to a document's JSON, by the path of its member: one definition for table, writers and rebuild.</summary>
internal sealed record DocumentColumn(string Name, NpgsqlDbType Type, MemberInfo[] Members, Func<object, object?> Value)
{
    /// <summary>
    /// Makes the column of a member, such as <c>(SessionResult document) => document.Body.TestId</c>.
    /// It is null where a step of the path is.
    /// </summary>
    public static DocumentColumn Of<T, TValue>(string name, Expression<Func<T, TValue>> member)
    {
        var members = new List<MemberInfo>();
        for (var step = member.Body as MemberExpression; step is not null; step = step.Expression as MemberExpression)
            members.Insert(0, step.Member);
        var (type, toColumn) = ColumnOf(Nullable.GetUnderlyingType(typeof(TValue)) ?? typeof(TValue));
        var document = Expression.Parameter(typeof(object));
        var read = Expression.Lambda<Func<object, object?>>(Read(Expression.Convert(document, typeof(T)), members), document).Compile();
        return new(name, type, [.. members], document => read(document) is { } value ? toColumn(value) : null);
    }

    private static Expression Read(Expression target, IReadOnlyList<MemberInfo> path)
    {
        var step = Expression.MakeMemberAccess(target, path[0]);
        if (path.Count == 1)
            return Expression.Convert(step, typeof(object));

        var rest = Read(step, [.. path.Skip(1)]);
        if (step.Type.IsValueType)
            return rest;

        var isNull = Expression.Equal(step, Expression.Constant(null, step.Type));
        return Expression.Condition(isNull, Expression.Constant(null, typeof(object)), rest);
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
