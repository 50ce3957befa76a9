using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Alba;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using ResultsEs.Tests.Access;

namespace ResultsEs.Tests.Media;

/// <summary>A host whose recordings, clips and reels lie in a real S3-compatible store.</summary>
public sealed partial class ObjectStoreFixture : IAsyncLifetime
{
    /// <summary>The key that the store knows.</summary>
    private const string Key = "S3RVER";

    private const string Bucket = "results";

    private readonly TempFolder _data = new();
    private readonly TempFolder _objects = new();
    private readonly List<Process> _stores = [];
    private AmazonS3Client _store = null!;

    internal IAlbaHost Host { get; private set; } = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>The settings of a service that uses a store at this address.</summary>
    internal static IEnumerable<KeyValuePair<string, string?>> Settings(Uri store) =>
    [
        new("ObjectStore:ServiceUrl", store.AbsoluteUri),
        new("ObjectStore:Bucket", Bucket),
        new("ObjectStore:AccessKey", Key),
        new("ObjectStore:SecretKey", Key),
    ];

    public async ValueTask InitializeAsync()
    {
        await NodeTools.NeedAsync();
        var address = await StartAsync(TimeSpan.Zero);
        _store = new AmazonS3Client(new BasicAWSCredentials(Key, Key), new AmazonS3Config { ServiceURL = address.AbsoluteUri, ForcePathStyle = true });
        Host = await AppFixture.StartAsync("Development", _data, [.. TestClients.Settings(firstIndex: 1), .. Settings(address)]);
    }

    public async ValueTask DisposeAsync()
    {
        if (Host is not null)
            await Host.DisposeAsync();
        _store?.Dispose();
        foreach (var store in _stores)
        {
            store.Kill();
            store.Dispose();
        }

        _objects.Dispose();
        _data.Dispose();
    }

    internal Task<HttpClient> ClientAsync(string client = TestClients.Reader) => AppFixture.ClientAsync(Host, client);

    /// <summary>Starts another store on the same objects, whose clock is ahead.</summary>
    internal async Task<Uri> StartAsync(TimeSpan ahead)
    {
        var (process, said) = await NodeTools.StartAsync("s3.mjs", _objects.Path, Bucket, Key, ahead.TotalSeconds.ToString(CultureInfo.InvariantCulture));
        _stores.Add(process);
        return new Uri($"http://127.0.0.1:{Port().Match(said).Value}/");
    }

    /// <summary>Puts an object where a session's or reel's events look for it.</summary>
    internal Task PutAsync(Guid account, Guid workspace, string key, string content) => _store.PutObjectAsync(
        new PutObjectRequest { BucketName = Bucket, Key = $"{account}/{workspace}/{key}", ContentBody = content, ContentType = "video/mp4", UseChunkEncoding = false }, Cancelled);

    /// <summary>Whether the store has an object.</summary>
    internal async Task<bool> HasAsync(Guid account, Guid workspace, string key)
    {
        try
        {
            await _store.GetObjectMetadataAsync(Bucket, $"{account}/{workspace}/{key}", Cancelled);
            return true;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }
    }

    [GeneratedRegex(@"\d+$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Port();
}
