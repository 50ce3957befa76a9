using System.Linq.Expressions;
using System.Reflection;
using NpgsqlTypes;

namespace ResultsEs.EventStore;

/// <summary>A column beside a document's JSON. The table, the writers and the rebuild all take it from here.</summary>
/// <param name="Name">The column's name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Members">The path to the member of the document that Marten duplicates in it.</param>
internal sealed record DocumentColumn(string Name, NpgsqlDbType Type, MemberInfo[] Members);

/// <summary>A column with the value that a document has for it.</summary>
/// <typeparam name="T">The document.</typeparam>
internal sealed record DocumentColumn<T>(DocumentColumn Column, Func<T, object?> Value)
{
    /// <summary>The column that holds a member of the document, such as <c>document => document.Body.TestId</c>.</summary>
    public static DocumentColumn<T> Of<TValue>(string name, Expression<Func<T, TValue>> member)
    {
        var members = new List<MemberInfo>();
        for (var step = member.Body as MemberExpression; step is not null; step = step.Expression as MemberExpression)
            members.Insert(0, step.Member);
        var (type, toColumn) = ColumnOf(Nullable.GetUnderlyingType(typeof(TValue)) ?? typeof(TValue));
        var read = member.Compile();
        return new(new DocumentColumn(name, type, [.. members]), document => read(document) is { } value ? toColumn(value) : null);
    }

    private static (NpgsqlDbType Type, Func<object, object> ToColumn) ColumnOf(Type type) => type switch
    {
        _ when type == typeof(Guid) => (NpgsqlDbType.Uuid, static value => value),
        _ when type == typeof(DateTimeOffset) => (NpgsqlDbType.TimestampTz, static value => ((DateTimeOffset)value).UtcDateTime),
        _ when type == typeof(string) => (NpgsqlDbType.Varchar, static value => value),
        _ when type == typeof(int) => (NpgsqlDbType.Integer, static value => value),
        { IsEnum: true } => (NpgsqlDbType.Varchar, static value => value.ToString()!),
        _ => throw new NotSupportedException($"A column of type {type}."),
    };
}
