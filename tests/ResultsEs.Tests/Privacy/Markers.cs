using System.Text.Json.Nodes;
using Npgsql;
using ResultsEs.EventStore;

namespace ResultsEs.Tests.Privacy;

/// <summary>Plants a marker in every text that an event can carry, so that it stays a valid event.</summary>
internal static class Markers
{
    // What is left are ids, times and words of closed sets.
    private static readonly HashSet<string> Kept = new(StringComparer.Ordinal)
    {
        "startedAt", "finishedAt", "abandonedAt", "resumedAt", "productType", "cause", "mainStream", "pipPosition", "pipState", "outcome", "phase",
    };

    /// <summary>A prefix that nobody else plants: capitals and digits, which every text may have.</summary>
    public static string New() => $"MARK{Guid.NewGuid():n}".ToUpperInvariant();

    /// <summary>The rows of any table that hold a text; of one account if it is named.</summary>
    public static async Task<List<string>> FoundAsync(NpgsqlDataSource database, string text, Guid? account = null)
    {
        var tables = await database.CreateCommand("select format('%I.%I', schemaname, tablename) from pg_tables where schemaname not in ('pg_catalog', 'information_schema')")
            .ReadAllAsync([], reader => reader.GetString(0), TestContext.Current.CancellationToken);
        var found = new List<string>();
        foreach (var table in tables)
        {
            // Bytes are searched as what they say.
            found.AddRange(await database.CreateCommand(
                $"""
                select '{table}: ' || t::text from {table} t
                where (t::text like '%' || $1 || '%' or t::text like '%' || encode(convert_to($1, 'UTF8'), 'hex') || '%')
                  and ($2::text is null or t::text like '%' || $2 || '%')
                """).ReadAllAsync([text, account?.ToString()], reader => reader.GetString(0), TestContext.Current.CancellationToken));
        }

        return found;
    }

    /// <summary>Plants them in all events of a session, each with a number of its own after the prefix.</summary>
    public static SessionBuilder Plant(this SessionBuilder session, string prefix)
    {
        var count = 0;
        foreach (var e in session.Events)
        {
            e["source"] = $"/{Next()}";
            Plant(e["data"]!, (string)e["type"]!, "");
        }

        return session;

        string Next() => $"{prefix}{++count}X";

        void Plant(JsonNode node, string type, string path)
        {
            if (node is JsonArray items)
            {
                for (var i = 0; i < items.Count; i++)
                {
                    if (items[i] is JsonValue value && value.TryGetValue<string>(out _))
                        items[i] = Next();
                    else if (items[i] is { } item)
                        Plant(item, type, path);
                }

                return;
            }

            if (node is not JsonObject members)
                return;

            foreach (var (name, value) in members.ToList())
            {
                if (value is JsonValue text && text.TryGetValue<string>(out var old))
                {
                    if (!IsKept(name, old, type, path))
                        members[name] = Text(name, old);
                }
                else if (value is not null)
                {
                    Plant(value, type, $"{path}.{name}");
                }
            }

            members["unheardOf"] = new JsonObject { [Next()] = Next() };
        }

        string Text(string name, string old) => name switch
        {
            "objectKey" => $"{Next()}.mp4",
            _ when old.StartsWith("https://", StringComparison.Ordinal) => $"https://x.example/{Next()}",
            _ => Next(),
        };
    }

    private static bool IsKept(string name, string old, string type, string path) =>
        Guid.TryParse(old, out _)
        || Kept.Contains(name)
        || (name == "type" && (path == ".answer" || path == ".demographics") && old != "HOLOGRAM")
        || (name == "reason" && type.Contains("TaskSkipped", StringComparison.Ordinal))
        || (name == "taskType" && old == "NPS")
        || (name == "kind" && old == "MOUSE_PRESS_OR_RELEASE");
}
