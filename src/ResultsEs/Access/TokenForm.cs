using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using ResultsEs.Http;

namespace ResultsEs.Access;

/// <summary>
/// The form of a token request, read strictly: UTF-8, whole percent-encoding, no control characters, each known parameter once
/// (RFC 6749, 3.2 and appendix B). OpenIddict sees only the parameters it knows, so nothing in a form can make it fail.
/// </summary>
internal static class TokenForm
{
    /// <summary>The bytes of a form: three short fields. More is not read from strangers.</summary>
    public const int MaxBytes = 16 * 1024;

    private const string MediaType = "application/x-www-form-urlencoded";

    private static readonly string[] Known =
        ["grant_type", "client_id", "client_secret", "scope", "client_assertion", "client_assertion_type", "resource", "audience"];

    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads the form and gives it to the request. Returns what is wrong with it; null when it is well-formed.</summary>
    /// <exception cref="BadHttpRequestException">The body is larger than <see cref="MaxBytes"/>.</exception>
    public static async Task<string?> ReadAsync(HttpRequest request)
    {
        if (!IsForm(request.Headers.ContentType) || request.Headers.ContentEncoding.Any(encoding => encoding != "identity"))
            return $"Send the parameters as {MediaType}, in UTF-8 and without a content encoding.";

        string body;
        try
        {
            body = await ReadTextAsync(request);
        }
        catch (DecoderFallbackException)
        {
            return "The body is not UTF-8.";
        }
        catch (BadHttpRequestException e) when (e.StatusCode == StatusCodes.Status400BadRequest)
        {
            Failures.EndConnection(request.HttpContext);
            return "The body cannot be read to its end.";
        }

        var fields = new Dictionary<string, StringValues>(StringComparer.Ordinal);
        foreach (var pair in body.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (Decode(equals < 0 ? pair : pair[..equals]) is not { } name
                || Decode(equals < 0 ? "" : pair[(equals + 1)..]) is not { } value)
                return "A parameter is not percent-encoded UTF-8, or holds a control character.";
            if (Known.Contains(name, StringComparer.Ordinal) && !fields.TryAdd(name, value))
                return $"The parameter {name} is there more than once.";
        }

        if (fields.GetValueOrDefault("scope").ToString() is { Length: > 0 } scope && string.IsNullOrWhiteSpace(scope))
            return "The parameter scope names no scope.";
        request.Form = new FormCollection(fields);
        return null;
    }

    private static bool IsForm(StringValues contentType) =>
        contentType.Count == 1 && MediaTypeHeaderValue.TryParse(contentType.ToString(), out var type)
        && type.MediaType.Equals(MediaType, StringComparison.OrdinalIgnoreCase)
        && (!type.Charset.HasValue || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase));

    private static async Task<string> ReadTextAsync(HttpRequest request)
    {
        var read = await request.BodyReader.ReadAtLeastAsync(MaxBytes + 1, request.HttpContext.RequestAborted);
        if (read.Buffer.Length > MaxBytes)
            throw new BadHttpRequestException("The form is too large.", StatusCodes.Status413PayloadTooLarge);

        try
        {
            return Utf8.GetString(read.Buffer);
        }
        finally
        {
            request.BodyReader.AdvanceTo(read.Buffer.End);
        }
    }

    /// <summary>Decodes a name or value, in which a plus is a blank; null when it is malformed.</summary>
    private static string? Decode(string encoded) =>
        PercentEncoding.Decode(encoded.Replace('+', ' ')) is { } text && !text.Any(char.IsControl) ? text : null;
}
