using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using ResultsEs.EventStore;
using ResultsEs.Http;
using ResultsEs.Sessions.TaskTypes;

namespace ResultsEs.Media;

/// <summary>Where the bytes of recordings, clips and reels are: the section <c>ObjectStore</c> of the configuration.</summary>
public sealed class ObjectStoreOptions
{
    /// <summary>The address of an S3-compatible store, as clients reach it; without it the store is Amazon S3.</summary>
    public Uri? ServiceUrl { get; init; }

    /// <summary>The region that requests are signed for.</summary>
    public string Region { get; init; } = "us-east-1";

    /// <summary>The bucket. Without one there is no store: nothing can be downloaded.</summary>
    public string? Bucket { get; init; }

    /// <summary>The id of the key that signs.</summary>
    public string? AccessKey { get; init; }

    /// <summary>The key that signs.</summary>
    public string? SecretKey { get; init; }

    /// <summary>Whether the bucket is the first part of the path and not of the host name. Default: with a <see cref="ServiceUrl"/>.</summary>
    public bool? PathStyle { get; init; }

    /// <summary>Names what is wrong; nothing when there is no store.</summary>
    internal static IEnumerable<string> Problems(ObjectStoreOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.Bucket))
        {
            if (options.ServiceUrl is not null || options.AccessKey is not null || options.SecretKey is not null)
                yield return "ObjectStore:Bucket is missing.";
            yield break;
        }

        if (options.ServiceUrl is { } url && (!url.IsAbsoluteUri || url.Scheme is not ("http" or "https") || url.Query.Length + url.Fragment.Length > 0))
            yield return "ObjectStore:ServiceUrl must be an absolute http or https URL without query or fragment.";
        if (string.IsNullOrWhiteSpace(options.AccessKey))
            yield return "ObjectStore:AccessKey is missing.";
        if (string.IsNullOrWhiteSpace(options.SecretKey))
            yield return "ObjectStore:SecretKey is missing.";
        if (string.IsNullOrWhiteSpace(options.Region))
            yield return "ObjectStore:Region is empty.";
    }
}

/// <summary>A URL that works without a token until it expires.</summary>
internal sealed record SignedUrl(string Url, DateTimeOffset ExpiresAt);

/// <summary>
/// Signs URLs of objects. It never talks to the store. Every object lies in the folder of its workspace,
/// <c>{account}/{workspace}/</c>, which no key in an event can leave: who may write one workspace's events cannot have another's
/// files signed.
/// </summary>
public sealed class ObjectStore(IOptions<ObjectStoreOptions> options, TimeProvider time) : IDisposable
{
    private readonly AmazonS3Client? _client = Client(options.Value);

    /// <summary>The answer while no store is configured.</summary>
    internal static ProblemHttpResult NotConfigured() =>
        Problems.Of(StatusCodes.Status503ServiceUnavailable, "No object store is configured; the settings ObjectStore__… say where recordings, clips and reels are.");

    /// <summary>A URL that downloads an object; null while no store is configured.</summary>
    /// <param name="account">The account the object belongs to.</param>
    /// <param name="workspace">The workspace the object belongs to.</param>
    /// <param name="key">The object's key as its event said.</param>
    /// <param name="validity">How long the URL works; whole seconds.</param>
    internal async Task<SignedUrl?> SignAsync(Guid account, Guid workspace, string key, TimeSpan validity)
    {
        if (_client is null)
            return null;

        var expires = time.GetUtcNow() + validity;
        var url = await _client.GetPreSignedURLAsync(new GetPreSignedUrlRequest
        {
            BucketName = options.Value.Bucket,
            Key = $"{account:D}/{workspace:D}/{key}",
            Expires = expires.UtcDateTime,
            Protocol = options.Value.ServiceUrl?.Scheme == Uri.UriSchemeHttp ? Protocol.HTTP : Protocol.HTTPS,
        });
        return new SignedUrl(url, expires);
    }

    /// <inheritdoc/>
    public void Dispose() => _client?.Dispose();

    private static AmazonS3Client? Client(ObjectStoreOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.Bucket))
            return null;

        var config = new AmazonS3Config { ForcePathStyle = options.PathStyle ?? options.ServiceUrl is not null };
        if (options.ServiceUrl is { } url)
        {
            config.ServiceURL = url.AbsoluteUri;
            config.AuthenticationRegion = options.Region;
        }
        else
        {
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(options.Region);
        }

        return new AmazonS3Client(new BasicAWSCredentials(options.AccessKey, options.SecretKey), config);
    }
}

/// <summary>Media's services.</summary>
internal static class MediaSetup
{
    /// <summary>Adds highlight reels, and what signs URLs.</summary>
    public static WebApplicationBuilder AddMedia(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<ObjectStoreOptions>().Bind(builder.Configuration.GetSection("ObjectStore")).ValidateOnStart();
        builder.Services.AddSingleton<IValidateOptions<ObjectStoreOptions>, Validator>();
        builder.Services.AddSingleton<ObjectStore>();
        builder.Services.AddDocuments(HighlightReelTable.Documents);
        return builder;
    }

    private sealed class Validator : IValidateOptions<ObjectStoreOptions>
    {
        public ValidateOptionsResult Validate(string? name, ObjectStoreOptions options) =>
            ObjectStoreOptions.Problems(options).ToList() is { Count: > 0 } problems ? ValidateOptionsResult.Fail(problems) : ValidateOptionsResult.Success;
    }
}
