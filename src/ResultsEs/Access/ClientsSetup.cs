using Marten;

namespace ResultsEs.Access;

internal static class ClientsSetup
{
    /// <summary>Adds the clients of the database beside those of the configuration.</summary>
    public static WebApplicationBuilder AddStoredClients(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton<StoredClients>();
        services.AddSingleton<ClientUses>();
        services.AddSingleton(provider => new ClientChanges(
            provider.GetRequiredService<NpgsqlDataSource>(), provider.GetRequiredService<Clients>(),
            provider.GetRequiredService<Issuers>()));
        services.ConfigureMarten(options => options.Storage.Add(new ClientsSchema(options.Advanced.Migrator)));
        return builder;
    }
}
