namespace ResultsEs.Access;

/// <summary>Marks an endpoint whose requests the audit tells, with the route parameter that says of what.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class AuditedAttribute(AuditKind kind, string? subject = null) : Attribute
{
    public AuditKind Kind { get; } = kind;

    public string? Subject { get; } = subject;
}

/// <summary>The middleware that notes requests: those that are refused for who asks, and those of marked endpoints.</summary>
internal sealed class AuditTrail(RequestDelegate next, Audit audit, IOptions<AuditOptions> options)
{
    // The key of what a token request says of its client.
    private static readonly object Asking = new();

    // A request makes no text of its own.
    private static readonly string[] Statuses =
        [.. Enumerable.Range(0, 600).Select(status => status.ToString(CultureInfo.InvariantCulture))];

    private readonly ConcurrentDictionary<Endpoint, string> _actions = [];
    private readonly bool _reads = options.Value.Reads;

    /// <summary>Tells who asks for a token. Strangers may send any id.</summary>
    public static void Asks(HttpContext? context, string? client, Guid? account)
    {
        if (context is not null)
            context.Items[Asking] = (AuditEntry.Shortened(client), account);
    }

    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch
        {
            Note(context, StatusCodes.Status500InternalServerError);
            throw;
        }

        Note(context, context.Response.StatusCode);
    }

    private void Note(HttpContext context, int status)
    {
        if (Caller.IsNobody(context.User))
            return;

        var audited = context.GetEndpoint()?.Metadata.GetMetadata<AuditedAttribute>();
        if (status is StatusCodes.Status401Unauthorized or StatusCodes.Status403Forbidden && audited?.Kind != AuditKind.Token)
            Note(context, status, AuditKind.Refusal, subject: null);
        else if (audited is not null && status != StatusCodes.Status405MethodNotAllowed
            && (_reads || audited.Kind is not (AuditKind.Read or AuditKind.Export)))
            Note(context, status, audited.Kind, audited.Subject);
    }

    private void Note(HttpContext context, int status, AuditKind kind, string? subject)
    {
        var caller = Caller.Find(context.User);
        var (client, account) = (caller?.ClientId, caller?.Account);
        // No other request needs its items, which are made when they are looked at.
        if (kind == AuditKind.Token && context.Items.TryGetValue(Asking, out var asking))
            (client, account) = ((string?, Guid?))asking!;
        var id = subject is null ? null : context.Request.RouteValues[subject] as string;
        audit.Note(new AuditEntry(kind, ActionOf(context.GetEndpoint()), Statuses[Math.Clamp(status, 0, 599)])
        {
            Account = account,
            Client = client,
            // What is no id is the sender's text.
            Subject = Uuid.TryParse(id ?? "", out _) ? id : null,
            Address = context.Connection.RemoteIpAddress,
        });
    }

    /// <summary>The method and the route of an endpoint, which hold nothing of a request.</summary>
    private string ActionOf(Endpoint? endpoint) => endpoint is null ? "no endpoint" : _actions.GetOrAdd(endpoint, static one =>
        $"{one.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.FirstOrDefault()} {(one as RouteEndpoint)?.RoutePattern.RawText}");
}
