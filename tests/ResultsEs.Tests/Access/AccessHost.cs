using System.Buffers;
using System.Security.Claims;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using ResultsEs.Access;
using ResultsEs.Hosting;
using ResultsEs.Http;

namespace ResultsEs.Tests.Access;

/// <summary>Access alone, before a few endpoints made for tests, on a clock that stands still until moved.</summary>
public sealed class AccessHost : IAsyncDisposable
{
    // Kept between runs, because making a key takes most of a second.
    private static readonly string KeyPath = Path.Combine(Path.GetTempPath(), "results-es-tests", "signing.pem");

    private readonly TempFolder _data = new();
    private readonly Dictionary<string, string> _tokens = new(StringComparer.Ordinal);

    private AccessHost(FakeTimeProvider clock) => Clock = clock;

    public FakeTimeProvider Clock { get; }

    /// <summary>A file of settings that the host reads, when it is there, over the others.</summary>
    public string SettingsFile => Path.Combine(_data.Path, "more.json");

    public WebApplication App { get; private set; } = null!;

    internal SigningKey Key => App.Services.GetRequiredService<SigningKey>();

    public static async Task<AccessHost> StartAsync(IEnumerable<KeyValuePair<string, string?>>? settings = null, bool kestrel = false, Action<IServiceCollection>? services = null, string address = "http://127.0.0.1:0")
    {
        var host = new AccessHost(new FakeTimeProvider(new DateTimeOffset(2025, 3, 4, 5, 6, 7, TimeSpan.Zero)));
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Development", ContentRootPath = host._data.Path });
        builder.Configuration.AddInMemoryCollection([new("Access:SigningKeyPath", KeyPath), .. TestClients.Settings()]).AddInMemoryCollection(settings ?? [])
            .AddJsonFile(host.SettingsFile, optional: true, reloadOnChange: false);
        if (kestrel)
            builder.WebHost.UseSetting("urls", address);
        else
            builder.WebHost.UseTestServer();
        builder.Logging.ClearProviders();
        builder.AddAccess();
        builder.AddManagement();
        builder.Services.AddSingleton<TimeProvider>(host.Clock);
        services?.Invoke(builder.Services);

        host.App = builder.Build();
        host.App.UseAccess();
        Map(host.App);
        await host.App.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }

    public HttpClient Anonymous() => App.Services.GetService<Microsoft.AspNetCore.Hosting.Server.IServer>() is TestServer server
        ? server.CreateClient()
        : new HttpClient { BaseAddress = new Uri(App.Urls.Single()) };

    public HttpClient With(string token)
    {
        var http = Anonymous();
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        return http;
    }

    /// <summary>Sends a token that the client asks for once a host, because checking a secret is slow on purpose.</summary>
    public async Task<HttpClient> ClientAsync(string client = TestClients.Reader)
    {
        if (!_tokens.TryGetValue(client, out var token))
        {
            using var http = Anonymous();
            _tokens[client] = token = await Tokens.AskAsync(http, client);
        }

        return With(token);
    }

    public async ValueTask DisposeAsync()
    {
        await App.DisposeAsync();
        _data.Dispose();
    }

    /// <summary>One host for a class of tests that leave the clock alone.</summary>
    public sealed class Shared : IAsyncLifetime
    {
        public AccessHost Host { get; private set; } = null!;

        public async ValueTask InitializeAsync() => Host = await StartAsync();

        public ValueTask DisposeAsync() => Host.DisposeAsync();
    }

    private static void Map(WebApplication app)
    {
        app.MapGet("/caller", (ClaimsPrincipal user) => Caller.From(user)).RequireAuthorization(Scopes.StudiesRead);
        foreach (var scope in Scopes.All)
            app.MapGet($"/needs/{scope}", () => "for those who may").RequireAuthorization(scope);
        app.MapGet("/says-nothing", () => "for anybody with a token");
        app.MapGet("/sized", context =>
        {
            context.Response.ContentType = "application/json; charset=utf-8";
            context.Response.ContentLength = 2;
            context.Response.Headers.ETag = "\"1\"";
            return context.Response.WriteAsync("{}");
        });
        app.MapGet("/started", async context =>
        {
            context.Response.ContentLength = 2;
            await context.Response.WriteAsync("{}");
            // As Wolverine does after an endpoint that returns nothing.
            if (!context.Response.HasStarted)
                context.Response.StatusCode = StatusCodes.Status204NoContent;
        });
        app.MapGet("/piped", async context =>
        {
            context.Response.BodyWriter.Write("{}"u8);
            await context.Response.BodyWriter.FlushAsync();
        });
        app.MapGet("/lasts", async context =>
        {
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted);
        }).WithMetadata(new LongRequestAttribute());
        app.MapGet("/empty", () => Results.NoContent());
        app.MapGet("/hidden", () => Problems.NotFound());
        app.MapGet("/hidden/{id}", (string id) => TypedResults.Problem(statusCode: StatusCodes.Status404NotFound, instance: $"/hidden/{id}"));
        app.MapGet("/bad", () => Problems.BadRequest("limit must be from 1 to 500.", new Dictionary<string, string[]>(StringComparer.Ordinal) { ["limit"] = ["It is 0."] }));
        app.MapPost("/api/v2/sessionEvents", [Authorize(Scopes.EventsWrite)] () => "stored");
        app.MapPost("/json", (Dictionary<string, string> body) => body.Count);
        app.MapGet("/breaks/{how}", (string how) =>
        {
            throw how switch
            {
                "refused" => new InvalidOperationException("outer", new NpgsqlException("refused", new System.Net.Sockets.SocketException(111))),
                "times-out" => new AggregateException(new InvalidOperationException("outer", new TimeoutException())),
                "shuts-down" => new PostgresException("stopping", "FATAL", "FATAL", PostgresErrorCodes.AdminShutdown),
                "too-large" => new BadHttpRequestException("too large", StatusCodes.Status413PayloadTooLarge),
                "duplicate" => new PostgresException("a secret of the schema", "ERROR", "ERROR", PostgresErrorCodes.UniqueViolation),
                _ => new InvalidOperationException("a secret of the code"),
            };
        });
    }
}
