using Amazon;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Microsoft.AspNetCore.Http.HttpResults;
using ResultsEs.EventStore;
using ResultsEs.Http;

namespace ResultsEs.Media;

/// <summary>The settings of the S3 store of recordings, clips and reels: the configuration section <c>ObjectStore</c>.</summary>
public sealed class ObjectStoreOptions
{
    /// <summary>The address of an S3-compatible store, as clients reach it. Default: Amazon S3.</summary>
    public Uri? ServiceUrl { get; init; }

    /// <summary>The region that requests are signed for. Default: <c>us-east-1</c>.</summary>
    public string Region { get; init; } = "us-east-1";

    /// <summary>The bucket. Without one there is no store, and downloads answer 503.</summary>
    public string? Bucket { get; init; }

    /// <summary>The id of the signing key.</summary>
    public string? AccessKey { get; init; }

    /// <summary>The signing key.</summary>
    public string? SecretKey { get; init; }

    /// <summary>True for a bucket in the path instead of the host name. Default: true with a <see cref="ServiceUrl"/>.</summary>
    public bool? PathStyle { get; init; }

    /// <summary>Lists what is wrong with the settings; empty when no store is configured.</summary>
    internal static IEnumerable<string> Problems(ObjectStoreOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.Bucket))
        {
            if (options.ServiceUrl is not null || options.AccessKey is not null || options.SecretKey is not null)
                yield return "ObjectStore:Bucket is missing.";
            yield break;
        }

        if (options.ServiceUrl is { } url
            && (!url.IsAbsoluteUri || url.Scheme is not ("http" or "https") || url.Query.Length + url.Fragment.Length > 0))
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
/// Signs URLs of objects, without a request to the store. Every object is in the folder of its workspace,
/// <c>{account}/{workspace}/</c>, which no key can leave: a writer of one workspace's events gets no URL of another's files.
/// </summary>
public sealed class ObjectStore(IOptions<ObjectStoreOptions> options, TimeProvider time) : IDisposable
{
    private readonly AmazonS3Client? _client = Client(options.Value);

    /// <summary>Whether there is a store.</summary>
    internal bool IsConfigured => _client is not null;

    /// <summary>The 503 while no store is configured.</summary>
    internal static ProblemHttpResult NotConfigured() => Problems.Of(
        StatusCodes.Status503ServiceUnavailable,
        "No object store is configured; the settings ObjectStore__… say where recordings, clips and reels are.");

    /// <summary>Signs a URL that downloads an object for a time, in whole seconds; null while no store is configured.</summary>
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

    /// <summary>Deletes an object, whether or not it is there. There must be a store.</summary>
    internal Task DeleteAsync(string account, Guid workspace, string key, CancellationToken cancellation) =>
        _client!.DeleteObjectAsync(options.Value.Bucket, $"{account}/{workspace:D}/{key}", cancellation);

    /// <inheritdoc/>
    public void Dispose() => _client?.Dispose();

    private static AmazonS3Client? Client(ObjectStoreOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.Bucket))
            return null;

        var config = new AmazonS3Config { ForcePathStyle = options.PathStyle ?? options.ServiceUrl is not null };
        if (options.ServiceUrl is { } url)
            (config.ServiceURL, config.AuthenticationRegion) = (url.AbsoluteUri, options.Region);
        else
            config.RegionEndpoint = RegionEndpoint.GetBySystemName(options.Region);
        return new AmazonS3Client(new BasicAWSCredentials(options.AccessKey, options.SecretKey), config);
    }
}

internal static class MediaSetup
{
    public static WebApplicationBuilder AddMedia(this WebApplicationBuilder builder)
    {
        builder.Services.AddSettings<ObjectStoreOptions>(builder.Configuration.GetSection("ObjectStore"), ObjectStoreOptions.Problems);
        builder.Services.AddSingleton<ObjectStore>();
        builder.Services.AddDocuments(HighlightReelTable.Documents);
        return builder;
    }
}
