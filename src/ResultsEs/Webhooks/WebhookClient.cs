using System.Net.Http.Headers;

namespace ResultsEs.Webhooks;

/// <summary>What became of an attempt to deliver a message.</summary>
/// <param name="Status">The status of the answer; null without one.</param>
/// <param name="Problem">Why it failed, in words of ours; null when it is delivered.</param>
/// <param name="Asked">The pause that the endpoint asked for.</param>
internal readonly record struct SendOutcome(int? Status, string? Problem, TimeSpan? Asked = null)
{
    public bool IsDelivered => Problem is null;

    /// <summary>True when the endpoint says that it is not there any more.</summary>
    public bool IsGone => Status == StatusCodes.Status410Gone;
}

/// <summary>
/// Sends messages. The name of an endpoint is resolved once for a connection, all its addresses are checked, and the connection goes to
/// one of these. No redirect is followed, no proxy asked, no cookie kept, and of an answer nothing but its status is read.
/// </summary>
internal sealed class WebhookClient : IDisposable
{
    private const int MaxHeaderKilobytes = 16;
    private const int MaxDrained = 16 * 1024;

    private readonly AddressRules _addresses;
    private readonly TimeSpan _timeout;
    private readonly HttpClient _http;

    public WebhookClient(AddressRules addresses, TimeSpan timeout)
    {
        (_addresses, _timeout) = (addresses, timeout);
        _http = new HttpClient(new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = timeout,
            ConnectCallback = ConnectAsync,
            // A name that is moved is found again.
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            MaxResponseHeadersLength = MaxHeaderKilobytes,
            MaxResponseDrainSize = MaxDrained,
            ResponseDrainTimeout = TimeSpan.FromSeconds(1),
            // The trace of a request is nobody else's.
            ActivityHeadersPropagator = DistributedContextPropagator.CreateNoOutputPropagator(),
        })
        {
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    public void Dispose() => _http.Dispose();

    /// <summary>Sends a message, and waits for the answer's status. Throws when <paramref name="cancellation"/> is asked for.</summary>
    public async Task<SendOutcome> SendAsync(
        string url, Guid id, long timestamp, string signature, byte[] body, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(url)) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(WebhookMessage.ContentType);
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("ResultsEs-Webhooks", "1"));
        request.Headers.Add("webhook-id", id.ToString());
        request.Headers.Add("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("webhook-signature", signature);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(_timeout);
        try
        {
            using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            return Of(answer);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return new SendOutcome(null, $"No answer within {_timeout.TotalSeconds:0} seconds.");
        }
        catch (HttpRequestException e)
        {
            return new SendOutcome(null, ProblemOf(e));
        }
    }

    private static SendOutcome Of(HttpResponseMessage answer)
    {
        var status = (int)answer.StatusCode;
        if (status is >= 200 and <= 299)
            return new SendOutcome(status, null);

        var asked = answer.Headers.RetryAfter?.Delta;
        return new SendOutcome(
            status, status is >= 300 and <= 399 ? "Redirects are not followed." : "The endpoint refused the message.", asked);
    }

    /// <summary>What failed, without what a resolver, a certificate or a stranger says.</summary>
    private static string ProblemOf(HttpRequestException failure)
    {
        for (Exception? e = failure; e is not null; e = e.InnerException)
        {
            if (e is AddressNotAllowedException)
                return "The name stands for an address that webhooks may not reach.";
        }

        return failure.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => "The name cannot be resolved.",
            HttpRequestError.SecureConnectionError => "No secure connection: the certificate or the protocol is not accepted.",
            HttpRequestError.InvalidResponse or HttpRequestError.ConfigurationLimitExceeded =>
                "The answer is not HTTP, or its head is too large.",
            HttpRequestError.ResponseEnded => "The connection ended before the answer.",
            _ when IsOfName(failure) => "The name cannot be resolved.",
            _ => "No connection.",
        };

        static bool IsOfName(Exception e) => e.InnerException is SocketException
        {
            SocketErrorCode: SocketError.HostNotFound or SocketError.TryAgain or SocketError.NoData,
        };
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = IPAddress.TryParse(host, out var address) ? [address] : await Dns.GetHostAddressesAsync(host, cancellation);
        // One that is not allowed is one too many: its name may be made to change its mind.
        if (!Array.TrueForAll(addresses, _addresses.Allows))
            throw new AddressNotAllowedException();

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed class AddressNotAllowedException : Exception;
}
