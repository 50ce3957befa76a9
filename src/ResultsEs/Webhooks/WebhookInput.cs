using ResultsEs.Http;

namespace ResultsEs.Webhooks;

/// <summary>What a request or a command says about a webhook: a member that is null says nothing.</summary>
internal sealed record WebhookInput
{
    /// <summary>The most characters of a description.</summary>
    public const int MaxDescription = 200;

    /// <summary>The most bytes of a request.</summary>
    public const int MaxBytes = 16 * 1024;

    private const int MaxNamed = 20;

    public string? Url { get; private set; }

    public IReadOnlyList<WebhookKind>? Kinds { get; private set; }

    public WebhookContent? Content { get; private set; }

    /// <summary>True when it is to be enabled, false when disabled.</summary>
    public bool? IsEnabled { get; private set; }

    /// <summary>True when <see cref="TestId"/> is said, which may be none.</summary>
    public bool SaysTest { get; private set; }

    public Guid? TestId { get; private set; }

    /// <summary>True when <see cref="Description"/> is said, which may be none.</summary>
    public bool SaysDescription { get; private set; }

    public string? Description { get; private set; }

    /// <summary>What enables or disables a webhook.</summary>
    public static WebhookInput OfStatus(bool isEnabled) => new() { IsEnabled = isEnabled };

    /// <summary>Reads the body of a request; or returns the refusal.</summary>
    public static async Task<(WebhookInput Input, IResult? Refusal)> ReadAsync(
        HttpRequest request, WebhookUrl urls, bool isNew, CancellationToken cancellation)
    {
        var none = new WebhookInput();
        if (!request.HasJsonContentType())
            return (none, Problems.Of(StatusCodes.Status415UnsupportedMediaType, "Send application/json, in UTF-8."));

        if (await SmallBody.ReadAsync(request, MaxBytes, cancellation) is not { } body)
            return (none, Problems.Of(StatusCodes.Status413PayloadTooLarge, $"A webhook may have at most {MaxBytes} bytes."));

        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        var input = Parse(body, urls, isNew, errors);
        return (input, errors.Count == 0 ? null : Problems.BadRequest("The webhook is not as it should be.", errors));
    }

    /// <summary>Reads JSON; what is wrong is in <paramref name="errors"/>, by path.</summary>
    public static WebhookInput Parse(
        ReadOnlyMemory<byte> json, WebhookUrl urls, bool isNew, Dictionary<string, string[]> errors)
    {
        var input = new WebhookInput();
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 8, AllowDuplicateProperties = false });
            if (document.RootElement.ValueKind != JsonValueKind.Object)
                errors["$"] = ["must be an object"];
            else
                input.Read(document.RootElement, urls, isNew, errors);
        }
        catch (JsonException)
        {
            errors["$"] = ["must be JSON, in which no member comes twice"];
        }
        catch (InvalidOperationException)
        {
            // A text of half a surrogate pair, which is found when it is read.
            errors["$"] = ["must be JSON, in which no member comes twice"];
        }

        return input;
    }

    private void Read(JsonElement root, WebhookUrl urls, bool isNew, Dictionary<string, string[]> errors)
    {
        foreach (var member in root.EnumerateObject())
        {
            if (errors.Count < MaxNamed && ReadMember(member, urls) is { } problem)
                errors.TryAdd(Printable.Excerpt(member.Name, 100), [problem]);
        }

        if (isNew && Url is null)
            errors.TryAdd("url", ["is required"]);
        if (isNew && Kinds is null)
            errors.TryAdd("kinds", ["is required"]);
        if (isNew && IsEnabled is not null)
            errors.TryAdd("status", ["is not one of a new webhook, which is enabled"]);
    }

    private string? ReadMember(JsonProperty member, WebhookUrl urls)
    {
        var value = member.Value;
        switch (member.Name)
        {
            case "url":
                if (TextOf(value) is not { } text)
                    return "must be a text";
                var problem = urls.ProblemOf(text, out var url);
                Url = url;
                return problem;
            case "kinds":
                Kinds = value.ValueKind == JsonValueKind.Array
                    ? [.. value.EnumerateArray().Select(item => WebhookKinds.Find(TextOf(item))).OfType<WebhookKind>().Distinct().Order()]
                    : [];
                return Kinds.Count > 0 && value.EnumerateArray().All(item => WebhookKinds.Find(TextOf(item)) is not null)
                    ? null
                    : $"must be a list of one or more of {string.Join(", ", WebhookKinds.All)}";
            case "testId":
                SaysTest = true;
                TestId = Uuid.TryParse(TextOf(value) ?? "", out var test) ? test : null;
                return TestId is null && value.ValueKind != JsonValueKind.Null ? "must be a UUID or null" : null;
            case "content":
                Content = TextOf(value) switch { "THIN" => WebhookContent.Thin, "SESSION" => WebhookContent.Session, _ => null };
                return Content is null ? "must be one of THIN, SESSION" : null;
            case "description":
                (SaysDescription, Description) = (true, TextOf(value));
                return value.ValueKind == JsonValueKind.Null
                    || (Description is { } words && JsonText.Characters(words) <= MaxDescription && !words.Any(char.IsControl))
                    ? null
                    : $"must be null or a text of at most {MaxDescription} characters, none of them a control character";
            case "status":
                IsEnabled = TextOf(value) switch { "ENABLED" => true, "DISABLED" => false, _ => null };
                return IsEnabled is null ? "must be one of ENABLED, DISABLED" : null;
            default:
                return "is not a member of a webhook; there are url, kinds, testId, content, description, status";
        }
    }

    private static string? TextOf(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
