using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;

namespace ResultsEs.Benchmarks;

/// <summary>An endpoint of a webhook, by HTTPS on the loopback. State: when it was told of each session's versions, by the clock of <see cref="Stopwatch"/>.</summary>
internal sealed class HookEndpoint : IAsyncDisposable
{
    private readonly ConcurrentDictionary<Guid, ConcurrentDictionary<int, long>> _told = [];
    private readonly WebApplication _app;
    private readonly X509Certificate2 _certificate;

    private HookEndpoint(WebApplication app, X509Certificate2 certificate) => (_app, _certificate) = (app, certificate);

    public Uri Url => new(new Uri(_app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single()), "/hooks");

    /// <summary>A file with the certificate that its callers have to trust.</summary>
    public string CertificatePath { get; } = Path.GetTempFileName();

    public static async Task<HookEndpoint> StartAsync(CancellationToken cancellation)
    {
        var certificate = Certificate();
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        var endpoint = new HookEndpoint(builder.Build(), certificate);
        await File.WriteAllTextAsync(endpoint.CertificatePath, certificate.ExportCertificatePem(), cancellation);
        endpoint._app.Run(endpoint.ReceiveAsync);
        await endpoint._app.StartAsync(cancellation);
        return endpoint;
    }

    /// <summary>Waits until it was told of a session's version, and gives when it was of each.</summary>
    public async Task<IReadOnlyDictionary<int, long>> UntilAsync(Guid session, int version, CancellationToken cancellation)
    {
        var told = _told.GetOrAdd(session, _ => new ConcurrentDictionary<int, long>());
        while (!told.ContainsKey(version))
            await Task.Delay(10, cancellation);
        return told;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _certificate.Dispose();
        File.Delete(CertificatePath);
    }

    private static X509Certificate2 Certificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=benchmark", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var own = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        // Kestrel wants the key where the platform's TLS finds it.
        return X509CertificateLoader.LoadPkcs12(own.Export(X509ContentType.Pkcs12), password: null);
    }

    private async Task ReceiveAsync(HttpContext context)
    {
        var now = Stopwatch.GetTimestamp();
        var data = (await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted))!["data"]!;
        _told.GetOrAdd((Guid)data["sessionId"]!, _ => new ConcurrentDictionary<int, long>()).TryAdd((int)data["version"]!, now);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }
}
