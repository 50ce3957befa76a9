using Microsoft.Extensions.Primitives;
using ResultsEs.Access;

namespace ResultsEs.Mcp;

/// <summary>What the audit tells of tools: those whose endpoint it tells, too, by the name of the tool.</summary>
internal static class McpAudit
{
    public static void Note(HttpContext http, ResultsTool tool, IReadOnlyDictionary<string, StringValues> values, int status)
    {
        var services = http.RequestServices;
        if (!tool.IsAudited || !services.GetRequiredService<IOptions<AuditOptions>>().Value.Reads)
            return;

        var caller = Caller.From(http.User);
        var subject = values.TryGetValue("sessionId", out var id) ? id.ToString() : null;
        var entry = new AuditEntry(AuditKind.Read, $"MCP {tool.Name}", status.ToString(CultureInfo.InvariantCulture))
        {
            Account = caller.Account,
            Client = caller.ClientId,
            // What is no id is the sender's text.
            Subject = Uuid.TryParse(subject ?? "", out _) ? subject : null,
            Address = http.Connection.RemoteIpAddress,
        };
        services.GetRequiredService<Audit>().Note(entry);
    }
}
